"""Which pods with a route's label are its workers: what others make may carry the label too."""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.resources.metadata import Live


def is_worker(pod: Live, route: str) -> bool:
    """Whether a lane's Deployment of ``route`` made the pod, by way of one of its ReplicaSets.

    A pod of a Job, or one that a person started to look at something, is nobody that a route waits for. Kubernetes
    names a ReplicaSet ``<deployment>-<hash>``, so this holds also once the Deployment is gone and its pods end.
    """
    labels = pod["metadata"].get("labels") or {}
    tier, lane = labels.get(naming.LABEL_TIER), labels.get(naming.LABEL_LANE)
    if not tier or not lane:
        return False
    deployment = naming.deployment(route, tier, lane)
    return any(
        owner.get("controller")
        and owner.get("kind") == "ReplicaSet"
        and str(owner.get("name", "")).rpartition("-")[0] == deployment
        for owner in pod["metadata"].get("ownerReferences") or ()
    )
