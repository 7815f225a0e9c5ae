"""The message of one order, as each contender's own producer sends it; `correlation_id` is always the order's id.

Formats: Celery's protocol 2, Dramatiq's and Taskiq's messages, in JSON.
"""

import json
import time

from benchmarks.comparison.contender import Message
from benchmarks.orders import good_order
from merchantroute_kit.wire.envelope import wrap

TASK = "merchantroute.order"


def celery(order_id: str, merchant: str) -> Message:
    """Also for those that are written by hand: what is read of it is the body."""
    now = time.time_ns() // 1_000_000
    order = good_order(order_id, merchant=merchant)
    envelope = wrap(order, order_id=order_id, merchant=merchant, published_at=now)
    return _message(envelope.body, order_id, envelope.headers)


def dramatiq(order_id: str, merchant: str) -> Message:
    """Of the actor `carry_order` on the queue `orders`."""
    document = {
        "queue_name": "orders",
        "actor_name": "carry_order",
        "args": [good_order(order_id, merchant=merchant)],
        "kwargs": {},
        "options": {},
        "message_id": order_id,
        "message_timestamp": time.time_ns() // 1_000_000,
    }
    return _message(json.dumps(document).encode(), order_id, {})


def taskiq(order_id: str, merchant: str) -> Message:
    """Of the task `merchantroute.order`."""
    document = {
        "task_id": order_id,
        "task_name": TASK,
        "labels": {},
        "labels_types": {},
        "args": [good_order(order_id, merchant=merchant)],
        "kwargs": {},
    }
    return _message(json.dumps(document).encode(), order_id, {"task_id": order_id, "task_name": TASK})


def _message(body: bytes, order_id: str, headers: object) -> Message:
    properties = {
        "correlation_id": order_id,
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "delivery_mode": 2,
        "application_headers": headers,
    }
    return Message(body, properties)
