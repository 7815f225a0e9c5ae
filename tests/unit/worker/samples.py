"""A route, a merchant and orders for the worker's unit tests."""

import json
from typing import Any

from merchantroute_worker.orders import envelope
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.route import Route, parse

INDEX = {"v": 1, "generation": 7, "renderedAt": 1_000_000, "files": {}, "credentialsGeneration": 3}
ROUTE: dict[str, Any] = {
    "v": 1,
    "namespace": "orders",
    "route": "pos",
    "frontDoor": "mr.orders.pos",
    "router": "mr.orders.pos.router",
    "dead": "mr.orders.pos.dead",
    "suspect": "mr.orders.pos.suspect",
    "pulses": "mr-pulses.test",
    "allowInsecure": False,
    "egress": {"allow": [], "deny": [], "insecureHosts": []},
    "steps": [
        {"name": "validate", "method": "POST", "path": "/orders/validate"},
        {"name": "confirm", "method": "GET", "path": "/orders/{order_id}"},
    ],
    "callTimeoutMs": 10_000,
    "deadlineMs": 30_000,
    "maxAgeMs": 86_400_000,
    "maxAttempts": 3,
    "delaysMs": [120_000, 1_000, 15_000],
    "defaultTier": "standard",
    "defaultEndpoint": None,
    "tiers": {
        "standard": {
            "queue": "mr.orders.pos.standard.stable",
            "retry": "mr.orders.pos.standard.retry",
            "pool": "gevent",
            "concurrency": 100,
            "maxInFlightPerMerchant": 50,
        }
    },
}
MERCHANTS = {"v": 1, "merchants": {"bistro": {"tier": "standard", "endpoint": "https://bistro.example/v1/"}}}


def route(**changes: Any) -> Route:
    """The sample route with some of its fields changed."""
    return parse(index=INDEX, route={**ROUTE, **changes}, merchants=[MERCHANTS], credentials=[])


def order(
    *, journal: dict[str, Any] | None = None, headers: dict[str, Any] | None = None, merchant: str = "bistro"
) -> Order:
    """An order as it is read from a message."""
    embed = {} if journal is None else {"merchantroute": journal}
    body = json.dumps([[], {"order": {"id": "o-1", "note": "ünï"}}, embed]).encode()
    return envelope.read(body=body, headers=headers or {}, correlation_id="o-1", routing_key=merchant)
