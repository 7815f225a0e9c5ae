"""Reads autoscalers of Deployments: HorizontalPodAutoscalers, and KEDA's ScaledObjects where they are installed."""

from __future__ import annotations

from merchantroute_operator.kube.kube_port import Autoscaler, Object


def autoscaler(kind: str, body: Object) -> Autoscaler | None:
    """The autoscaler in ``body``, or None if it scales no Deployment. KEDA's default kind is Deployment."""
    spec = body.get("spec", {})
    target = spec.get("scaleTargetRef") or {}
    if target.get("kind", "Deployment") != "Deployment" or "name" not in target:
        return None
    if any(owner.get("kind") == "ScaledObject" for owner in body["metadata"].get("ownerReferences") or ()):
        return None  # made by KEDA: its ScaledObject is reported instead
    return Autoscaler(kind, body["metadata"]["name"], target["name"])
