"""The route's NetworkPolicy: what its pods may reach, and who may reach them.

In: Prometheus, to the port of the metrics (the kubelet's probes come from the node, which no policy holds back).
Out: DNS, the broker, the merchants. Ports are those of the addresses. For an address inside the cluster all ports of
its namespace's pods are open too: CNIs judge a packet after the Service has been resolved, and nothing here knows
which port that leads to.

Policies add up: a team opens more for its own app by a policy of its own on the label ``merchantroute.dev/route``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from merchantroute_operator import naming
from merchantroute_operator.resources.metadata import Object, child, stamped
from merchantroute_operator.resources.workload.pod import PORT
from merchantroute_operator.spec.route import Route

PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}  # as the Prometheus Operator and the common charts label its pods
NAMESPACE = "kubernetes.io/metadata.name"  # set on every namespace by the API server
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Somewhere that pods connect to."""

    host: str
    port: int


def network_policy(route: Route, brokers: Iterable[Address]) -> Object | None:
    """The policy for pods of all lanes, or None if the route does without."""
    if not route.network_policy:
        return None
    addresses = {*brokers, *_merchants(route)}
    body = child("networking.k8s.io/v1", "NetworkPolicy", route, naming.workers(route.name), naming.labels(route.name))
    spec = {
        "podSelector": {"matchLabels": naming.labels(route.name)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [
            {
                "from": [{"namespaceSelector": {}, "podSelector": {"matchLabels": PROMETHEUS}}],
                "ports": [_port(PORT)],
            }
        ],
        "egress": [
            {"ports": [_port(53, "UDP"), _port(53)]},
            {"ports": [_port(port) for port in sorted({address.port for address in addresses})]},
            *({"to": [_namespace(name)]} for name in sorted(_namespaces(route, addresses))),
        ],
    }
    return stamped({**body, "spec": spec})


def _merchants(route: Route) -> Iterable[Address]:
    endpoints = {merchant.endpoint for merchant in route.merchants}
    for endpoint in (*endpoints, *((route.default_endpoint,) if route.default_endpoint else ())):
        parts = urlsplit(endpoint)
        try:
            port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 443)
        except ValueError:  # beyond 65535: no worker can connect there either
            continue
        yield Address(parts.hostname or "", port)


def _namespaces(route: Route, addresses: Iterable[Address]) -> set[str]:
    """Those of the addresses that may be Services: ``name``, ``name.namespace`` or ``name.namespace.svc…``."""
    found = set()
    for address in addresses:
        words = address.host.rstrip(".").split(".")
        if len(words) == 1 and words[0]:
            found.add(route.namespace)
        elif len(words) == 2 or words[2:3] == ["svc"]:
            found.add(words[1])
    return {name for name in found if name and "{" not in name}


def _namespace(name: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {NAMESPACE: name}}, "podSelector": {}}


def _port(number: int, protocol: str = "TCP") -> dict[str, Any]:
    return {"port": number, "protocol": protocol}
