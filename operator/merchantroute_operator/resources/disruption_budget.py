"""A lane's PodDisruptionBudget: a drained node takes one of its pods at a time.

Only for a lane that may have more than one pod. For a single pod a budget could but block the drain of its node for
good; and the limit is judged by ``maxReplicas``, not by the pods of the moment, since the scaler changes those all the
time. ``maxUnavailable: 1`` suits any number of them: with one pod it lets that one go.

Pods that are not ready may always go: with the broker away none is, and they would hold up each other's drains.
"""

from __future__ import annotations

from merchantroute_operator.resources.metadata import Object, child, stamped
from merchantroute_operator.resources.workload.lane_labels import lane_labels
from merchantroute_operator.spec.lane_specs import LaneSpec
from merchantroute_operator.spec.route import Route


def disruption_budget(route: Route, lane: LaneSpec) -> Object | None:
    """The budget, or None where the lane has one pod at most."""
    if lane.tier.scaling.max_replicas <= 1:
        return None
    labels = lane_labels(route, lane)
    body = child("policy/v1", "PodDisruptionBudget", route, lane.deployment, labels)
    most = lane.tier.pod.fields.get("disruptionBudget", {}).get("maxUnavailable", 1)
    spec = {"maxUnavailable": most, "unhealthyPodEvictionPolicy": "AlwaysAllow", "selector": {"matchLabels": labels}}
    return stamped({**body, "spec": spec})
