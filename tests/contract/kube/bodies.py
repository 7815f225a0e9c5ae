"""Children as the operator writes them."""

from typing import Any

from merchantroute_operator.kube.kube_port import Object

LABELS = {"merchantroute.dev/route": "pos"}


def deployment(namespace: str, *, env: dict[str, str] | None = None, name: str = "pos-lane") -> Object:
    """One that the restricted Pod Security Standard admits and that no node can start."""
    labels = {**LABELS, "merchantroute.dev/tier": "standard"}
    container = {
        "name": "worker",
        "image": "no-such-image.invalid/worker:1",
        "env": [{"name": key, "value": value} for key, value in (env or {}).items()],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    pod: dict[str, Any] = {"containers": [container], "nodeSelector": {"no-such-label": "nothing-is-pulled"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }


def config_map(namespace: str, data: dict[str, str], name: str = "pos-config") -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": LABELS},
        "data": data,
    }


def secret(namespace: str, name: str = "burgerhut-pos", labels: dict[str, str] | None = None, **data: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
        "stringData": data,
    }
