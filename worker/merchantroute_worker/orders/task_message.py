"""The headers of an app's own task as a value. Pure.

The body is the app's, in any serializer, so the worker keeps its counts in headers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from math import inf
from typing import Any

from merchantroute_worker.orders.envelope import PUBLISHED_AT, DeliveryKey, header_time, publication
from merchantroute_worker.orders.messages import RUNG, WAITS, Incoming
from merchantroute_worker.orders.task_body import Malformed

Limits = tuple[float | None, float | None]
"""Celery's hard and soft time limit in seconds; None for none."""
ATTEMPTS, REFUSALS = "mr-attempts", "mr-refusals"


@dataclass(frozen=True, kw_only=True)
class TaskMessage:
    """What the headers say about the task. `attempts` are those that ended at the deadline, `retries` is Celery's own
    count; `limits` are Celery's hard and soft time limits in seconds; times are epoch seconds.
    """

    id: str
    merchant: str
    task: str
    retries: int
    attempts: int
    refusals: int
    waits: int
    published_at: float
    publication: int
    eta: float | None
    expires: float | None
    limits: Limits

    @property
    def delivery_key(self) -> DeliveryKey:
        """Identifies this stay of the message in a queue: it changes whenever the message is published again."""
        return (
            self.merchant,
            f"{self.task} {self.id} {self.retries}",
            self.publication,
            self.attempts,
            self.refusals + self.waits,
        )

    def rung_headers(self, rung: int) -> Mapping[str, Any]:
        """The headers that carry its counts, and route it to a rung (milliseconds)."""
        return {
            RUNG: str(rung),
            PUBLISHED_AT: round(self.published_at * 1000),
            REFUSALS: self.refusals,
            ATTEMPTS: self.attempts,
            WAITS: self.waits,
        }


def read(message: Incoming, *, now: float, zone: tzinfo = UTC) -> TaskMessage:
    """Parse the headers; Malformed says what is wrong with them. `now` is epoch seconds, `zone` the app's time zone."""
    headers = message.headers
    order_id = headers.get("id") or message.properties.get("correlation_id")
    if not isinstance(order_id, str) or not order_id:
        raise Malformed("the task has neither an id nor a correlation_id")
    published = headers.get(PUBLISHED_AT)
    return TaskMessage(
        id=order_id,
        merchant=message.routing_key,
        task=str(headers.get("task")),
        retries=_count(headers.get("retries")),
        attempts=_count(headers.get(ATTEMPTS)),
        refusals=_count(headers.get(REFUSALS)),
        waits=_count(headers.get(WAITS)),
        published_at=min(published / 1000, now) if isinstance(published, int) and published >= 0 else now,
        publication=publication(headers, message.body),
        eta=header_time(headers, "eta", zone),
        expires=header_time(headers, "expires", zone),
        limits=_limits(headers.get("timelimit")),
    )


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _limits(value: Any) -> Limits:
    """Celery's header `timelimit`: hard and soft limit, in seconds."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None, None
    hard, soft = (limit if isinstance(limit, int | float) and 0 < limit < inf else None for limit in value)
    return hard, soft
