"""Who else scales Deployments: HorizontalPodAutoscalers, and KEDA's ScaledObjects where the cluster knows them."""

from __future__ import annotations

from merchantroute_operator.kube.kube_port import Autoscaler, Object


def autoscaler(kind: str, body: Object) -> Autoscaler | None:
    """The autoscaler in ``body``, or None if it scales no Deployment. KEDA's default kind is Deployment."""
    spec = body.get("spec", {})
    target = spec.get("scaleTargetRef") or {}
    if target.get("kind", "Deployment") != "Deployment" or "name" not in target:
        return None
    if any(owner.get("kind") == "ScaledObject" for owner in body["metadata"].get("ownerReferences") or ()):
        return None  # KEDA's own: the ScaledObject is told of
    return Autoscaler(kind, body["metadata"]["name"], target["name"])
