"""URL paths of each kind at the API server."""

from __future__ import annotations

from urllib.parse import quote

from merchantroute_operator.naming import GROUP, KIND, MERCHANT, MERCHANTS, PLURAL, VERSION

_ROOTS = {
    KIND: (f"/apis/{GROUP}/{VERSION}", PLURAL),
    MERCHANT: (f"/apis/{GROUP}/{VERSION}", MERCHANTS),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "Secret": ("/api/v1", "secrets"),
    "Pod": ("/api/v1", "pods"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
    "PodDisruptionBudget": ("/apis/policy/v1", "poddisruptionbudgets"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
    "PodMonitor": ("/apis/monitoring.coreos.com/v1", "podmonitors"),
    "Service": ("/api/v1", "services"),
    "EndpointSlice": ("/apis/discovery.k8s.io/v1", "endpointslices"),
    "Event": ("/api/v1", "events"),
    "HorizontalPodAutoscaler": ("/apis/autoscaling/v2", "horizontalpodautoscalers"),
    "ScaledObject": ("/apis/keda.sh/v1alpha1", "scaledobjects"),
    "Lease": ("/apis/coordination.k8s.io/v1", "leases"),
}


def collection(kind: str, namespace: str) -> str:
    """The path of all objects of a kind in a namespace."""
    root, plural = _ROOTS[kind]
    return f"{root}/namespaces/{quote(namespace, safe='')}/{plural}"


def everywhere(kind: str) -> str:
    """The path of all objects of a kind in all namespaces."""
    root, plural = _ROOTS[kind]
    return f"{root}/{plural}"


def item(kind: str, namespace: str, name: str, subresource: str = "") -> str:
    """The path of one object, or of its subresource."""
    path = f"{collection(kind, namespace)}/{quote(name, safe='')}"
    return f"{path}/{subresource}" if subresource else path


def namespace_path(name: str) -> str:
    """The path of a namespace itself."""
    return f"/api/v1/namespaces/{quote(name, safe='')}"
