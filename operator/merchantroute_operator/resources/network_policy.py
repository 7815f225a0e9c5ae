"""The route's NetworkPolicy: what its pods may reach, and who may reach them.

In: Prometheus, to the port of the metrics (the kubelet's probes come from the node, which no policy holds back).
Out: DNS, the broker, the merchants that the route itself lists, and what every merchant may be reached at: HTTPS, and
HTTP where the route allows it. Ports are those of the addresses. For an address inside the cluster all ports of its
namespace's pods are open too: CNIs judge a packet after the Service has been resolved, and nothing here knows which
port that leads to.

A Merchant object opens nothing: whoever may write one must not open a way for the pods of everybody.

Policies add up: a team opens more for its own app by a policy of its own on the label ``merchantroute.dev/route``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from merchantroute_operator import naming
from merchantroute_operator.resources.metadata import Object, child, stamped
from merchantroute_operator.spec.endpoint import host_and_port
from merchantroute_operator.spec.route import Route
from merchantroute_operator.spec.sections.pods.pod_template import PORT

PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}  # as the Prometheus Operator and the common charts label its pods
NAMESPACE = "kubernetes.io/metadata.name"  # set on every namespace by the API server
_HTTPS, _HTTP = 443, 80
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")  # what a namespace can be called


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Somewhere that pods connect to."""

    host: str
    port: int


def network_policy(route: Route, brokers: Iterable[Address], claimed: Collection[str] = ()) -> Object | None:
    """The policy for pods of all lanes, or None if the route does without.

    ``claimed`` are the ids of the route's merchants that Merchant objects added.
    """
    if not route.network_policy:
        return None
    addresses = {*brokers, *_merchants(route, claimed)}
    insecure = route.orders.allow_insecure or route.egress.insecure_hosts
    ports = {_HTTPS, *((_HTTP,) if insecure else ()), *(address.port for address in addresses)}
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
            {"ports": [_port(port) for port in sorted(ports)]},
            *({"to": [_namespace(name)]} for name in sorted(_namespaces(route, addresses))),
        ],
    }
    return stamped({**body, "spec": spec})


def _merchants(route: Route, claimed: Collection[str]) -> Iterable[Address]:
    """Those that the route's own fields name; what is no address leads no worker anywhere either."""
    endpoints = {merchant.endpoint for merchant in route.merchants if merchant.id not in claimed}
    endpoints |= {route.default_endpoint} if route.default_endpoint else set()
    places = {place for endpoint in endpoints if (place := _place(endpoint)) is not None}
    return {Address(*place) for place in places}


def _place(endpoint: str) -> tuple[str, int] | None:
    try:
        return host_and_port(endpoint)
    except ValueError:
        return None


def _namespaces(route: Route, addresses: Iterable[Address]) -> set[str]:
    """Those of the addresses that may be Services: ``name``, ``name.namespace`` or ``name.namespace.svc…``."""
    found = set()
    for address in addresses:
        if ":" in address.host:  # an IPv6 address, which has no dots either
            continue
        words = address.host.lower().rstrip(".").split(".")
        if len(words) == 1 and words[0]:
            found.add(route.namespace)
        elif len(words) == 2 or words[2:3] == ["svc"]:
            found.add(words[1])
    return {name for name in found if _LABEL.fullmatch(name)}


def _namespace(name: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {NAMESPACE: name}}, "podSelector": {}}


def _port(number: int, protocol: str = "TCP") -> dict[str, Any]:
    return {"port": number, "protocol": protocol}
