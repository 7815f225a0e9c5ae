"""The envelope of an order: Celery's protocol 2 in JSON, so that any Celery producer could have sent it.

A producer needs no Celery: the body is [args, kwargs, embed], the task's name and id are headers. The routing key is
the merchant's id, the order's id is both correlation_id and task id, `mr-published-at` (milliseconds since the
epoch) tells the worker how old the order is.
"""

import json
from dataclasses import dataclass
from typing import Any

TASK = "merchantroute.order"


@dataclass(frozen=True)
class Envelope:
    """What is handed to the broker."""

    order_id: str
    routing_key: str
    body: bytes
    headers: dict[str, Any]


def wrap(order: Any, *, order_id: str, merchant: str, published_at: int) -> Envelope:
    """One order for one merchant; `order` may be anything that JSON can say, malformed orders included."""
    kwargs = {"order": order}
    embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    return Envelope(
        order_id=order_id,
        routing_key=merchant,
        body=json.dumps([[], kwargs, embed], ensure_ascii=False, separators=(",", ":")).encode(),
        headers={
            "lang": "py",
            "task": TASK,
            "id": order_id,
            "root_id": order_id,
            "parent_id": None,
            "group": None,
            "retries": 0,
            "eta": None,
            "expires": None,
            "timelimit": [None, None],
            "argsrepr": "()",
            "kwargsrepr": "{'order': ...}",
            "origin": "merchantroute_demo",
            "mr-published-at": published_at,
        },
    )
