"""A lane's Deployment."""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.resources.configuration.sharding import ONE_PAIR, Sharding
from merchantroute_operator.resources.metadata import Object, child, stamped
from merchantroute_operator.resources.workload.pod import pod_template
from merchantroute_operator.resources.workload.program import settling
from merchantroute_operator.spec.route import Route, Tier

PROGRESS_DEADLINE = 300  # seconds in which a new pod has to become ready before Kubernetes calls the rollout stuck

# A new pod first, then an old one: the lane is never without a consumer.
ROLLOUT = {"maxUnavailable": 0, "maxSurge": 1}


def deployment(route: Route, tier: Tier, lane: str, cluster: str, mounts: Sharding = ONE_PAIR) -> Object:
    """The Deployment to apply. It never holds ``spec.replicas``: those are the scaler's, by ``/scale`` alone.

    ``mounts`` are the shards of the configuration for its pods. Its annotation ``owner`` is the mark on the broker's
    objects that it works with (``cluster``: UID of kube-system).
    """
    labels = naming.labels(route.name, tier.name, lane)
    body = child("apps/v1", "Deployment", route, naming.deployment(route.name, tier.name, lane), labels)
    body["metadata"]["annotations"] = {naming.ANNOTATION_OWNER: naming.owner(cluster, route.namespace, route.name)}
    return stamped(
        {
            **body,
            "spec": {
                "selector": {"matchLabels": labels},
                "strategy": {
                    "type": "RollingUpdate",
                    "rollingUpdate": {**ROLLOUT, **tier.pod.fields.get("rollout", {})},
                },
                "progressDeadlineSeconds": PROGRESS_DEADLINE,
                "revisionHistoryLimit": 3,
                **settling(tier),
                "template": pod_template(route, tier, lane, mounts),
            },
        }
    )
