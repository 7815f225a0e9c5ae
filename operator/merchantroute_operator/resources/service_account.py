"""A lane's ServiceAccount: an identity that may do nothing, and whose token is mounted nowhere.

One per lane, so that whoever gives a lane rights of its own (a cloud's workload identity, for one) gives them to no
other. Without it pods would run as the namespace's ``default``, which others may have given rights.
"""

from __future__ import annotations

from merchantroute_operator.resources.metadata import Object, child, stamped
from merchantroute_operator.resources.workload.lane_labels import lane_labels
from merchantroute_operator.spec.lane_specs import LaneSpec
from merchantroute_operator.spec.route import Route


def service_account(route: Route, lane: LaneSpec) -> Object | None:
    """Named as the lane's Deployment, which cannot make a pod without it; None where the route names another one."""
    fields = lane.tier.pod.fields
    if "serviceAccountName" in fields:
        return None
    body = child("v1", "ServiceAccount", route, lane.deployment, lane_labels(route, lane))
    if annotations := fields.get("serviceAccountAnnotations"):
        body["metadata"]["annotations"] = dict(annotations)
    return stamped({**body, "automountServiceAccountToken": False})
