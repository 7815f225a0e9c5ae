"""Dead letters for unit tests, as py-amqp would deliver them."""

import json
from typing import Any

from merchantroute_worker.cli.dead_letter import DeadLetter, read

NOW = 1_800_000_000.0
STEPS = [
    {"name": "validate", "method": "POST", "path": "/orders/validate"},
    {"name": "submit", "method": "POST", "path": "/orders"},
]
JOURNAL = {"v": 1, "steps": STEPS, "done": ["validate"], "attempts": 8, "refusals": 3}


def body(*, journal: Any = JOURNAL, order: Any = None) -> bytes:
    embed = {"merchantroute": journal} if journal else {}
    return json.dumps([[], {"order": order or {"items": ["soup"]}}, embed]).encode()


def letter(
    order_id: str | None = "o-1",
    *,
    merchant: str = "bistro",
    reason: str | None = "max-age",
    age: float | None = 3600.0,
    content: bytes | None = None,
    headers: dict[str, Any] | None = None,
    **properties: Any,
) -> DeadLetter:
    """A letter whose order was published `age` seconds before NOW; None leaves a header away."""
    told = {
        "task": "merchantroute.order",
        "mr-reason": reason,
        "mr-attempts": 8,
        "mr-step": "submit",
        "mr-answer-class": "5xx",
        "mr-published-at": None if age is None else round((NOW - age) * 1000),
    }
    given = {name: value for name, value in told.items() if value is not None}
    return read(
        tag=1,
        routing_key=merchant,
        body=body() if content is None else content,
        properties={"correlation_id": order_id, "application_headers": {**given, **(headers or {})}, **properties},
        front_door="mr.orders.pos",
    )
