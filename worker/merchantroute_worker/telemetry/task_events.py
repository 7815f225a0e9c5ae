"""Celery's task events, recorded: what became of each order and task, for Flower, celery-exporter and their like.

Off unless the route asks for it (`spec.worker.events`). Recording appends a tuple; building and publishing the events
is `celery/event_sender.py`'s, a batch at a time. An event names the task, its id and its routing key, and holds nothing
of what the task was given or returned.
"""

import time
from collections import deque
from typing import Any, NamedTuple, Protocol

from merchantroute_worker.orders.messages import Incoming

LIMIT = 10_000
"""Events that wait to be published; older ones are dropped, for example while the broker is away."""


class Recorded(NamedTuple):
    """One event: its type as Celery names it, when it happened (epoch seconds), its task, and fields of the type."""

    type: str
    at: float
    uuid: str
    fields: dict[str, Any]


class TaskEvents(Protocol):
    """Records what happens to the message of an order or task."""

    def received(self, message: Incoming) -> None:
        """Its work is about to begin, or it is dead without any. What waits for its time or for a slot is not told of:
        it may come round many times.
        """

    def started(self, message: Incoming) -> None:
        """Its work begins."""

    def succeeded(self, message: Incoming, runtime: float) -> None:
        """It is done, so many seconds after its work began."""

    def retried(self, message: Incoming, reason: str) -> None:
        """Its work ended, and is tried again."""

    def failed(self, message: Incoming, reason: str, error: str) -> None:
        """It is dead; `error` is the name of the exception's class."""


class NoTaskEvents:
    """Records nothing."""

    def received(self, message: Incoming) -> None:
        """See `TaskEvents`."""

    def started(self, message: Incoming) -> None:
        """See `TaskEvents`."""

    def succeeded(self, message: Incoming, runtime: float) -> None:
        """See `TaskEvents`."""

    def retried(self, message: Incoming, reason: str) -> None:
        """See `TaskEvents`."""

    def failed(self, message: Incoming, reason: str, error: str) -> None:
        """See `TaskEvents`."""


class RecordedTaskEvents:
    """Records events until they are taken. Any greenlet or thread may record: appending to a deque is atomic."""

    def __init__(self) -> None:
        self._events: deque[Recorded] = deque(maxlen=LIMIT)

    def received(self, message: Incoming) -> None:
        """See `TaskEvents`."""
        headers = message.headers
        retries = headers.get("retries")
        fields = {
            "name": str(headers.get("task")),
            "routing_key": message.routing_key,
            "retries": retries if isinstance(retries, int) else 0,
            "root_id": _text(headers.get("root_id")),
            "parent_id": _text(headers.get("parent_id")),
        }
        self._record("task-received", message, fields)

    def started(self, message: Incoming) -> None:
        """See `TaskEvents`."""
        self._record("task-started", message, {})

    def succeeded(self, message: Incoming, runtime: float) -> None:
        """See `TaskEvents`."""
        self._record("task-succeeded", message, {"runtime": round(runtime, 6), "result": None})

    def retried(self, message: Incoming, reason: str) -> None:
        """See `TaskEvents`."""
        self._record("task-retried", message, {"exception": f"Retry({reason!r})"})

    def failed(self, message: Incoming, reason: str, error: str) -> None:
        """See `TaskEvents`."""
        self._record("task-failed", message, {"exception": f"{error}({reason!r})"})

    def take(self, limit: int) -> list[Recorded]:
        """Remove and return the oldest events, so many at most."""
        taken: list[Recorded] = []
        while self._events and len(taken) < limit:
            taken.append(self._events.popleft())
        return taken

    def _record(self, kind: str, message: Incoming, fields: dict[str, Any]) -> None:
        if uuid := _text(message.headers.get("id")) or _text(message.properties.get("correlation_id")):
            self._events.append(Recorded(kind, time.time(), uuid, fields))


def _text(value: Any) -> str | None:
    """A producer may put anything into a header."""
    return value if isinstance(value, str) else None
