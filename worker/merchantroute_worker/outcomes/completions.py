"""Writes an order's completion record: a JSON line in the log, and a message if an exchange is configured.

Tests and demos name an exchange in the environment; the record is then confirmed before the order is acked. An exchange
that does not exist is logged once and never delays an order.
"""

import logging
from collections.abc import Callable
from typing import Any

from merchantroute_worker.config.identity import Identity
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.messages import Outgoing
from merchantroute_worker.orders.task_body import dump
from merchantroute_worker.orders.task_message import TaskMessage
from merchantroute_worker.outcomes.ack_batch import Acks
from merchantroute_worker.rabbit.publisher import RECORDS, NotPublished, Publisher, TooLarge

log = logging.getLogger(__name__)


def order_record(identity: Identity, order: Order, *, finished_at: float, redelivered: bool) -> dict[str, Any]:
    """The completion record of an order (schema/completion.json); `finished_at` is epoch seconds."""
    published_at = order.published_at if order.published_at is not None else finished_at
    return {
        "event": "order.done",
        "order": order.id,
        "merchant": order.merchant,
        "tier": identity.tier,
        "lane": identity.lane,
        "steps": list(order.journal.done),
        "attempts": order.journal.attempts,
        "seconds": round(finished_at - published_at, 6),
        "publishedAt": round(published_at * 1000),
        "finishedAt": round(finished_at * 1000),
        "pod": identity.pod,
        "redelivered": redelivered,
    }


def task_record(identity: Identity, task: TaskMessage, *, finished_at: float, redelivered: bool) -> dict[str, Any]:
    """The completion record of an app's own task: it names the task, and has no steps."""
    return {
        "event": "order.done",
        "order": task.id,
        "merchant": task.merchant,
        "tier": identity.tier,
        "lane": identity.lane,
        "task": task.task,
        "steps": [],
        "attempts": task.retries + task.attempts + 1,
        "seconds": round(finished_at - task.published_at, 6),
        "publishedAt": round(task.published_at * 1000),
        "finishedAt": round(finished_at * 1000),
        "pod": identity.pod,
        "redelivered": redelivered,
    }


class Completions:
    """Logs completion records, and publishes them if an exchange is configured."""

    def __init__(self, exchange: str | None, publisher: Publisher, acks: Acks) -> None:
        self._acks = acks
        self._exchange = exchange
        self._publisher = publisher
        self._warned = False

    def write(self, document: dict[str, Any], give_up: Callable[[], bool]) -> bool:
        """Log the record, and publish it if an exchange is configured. Without a connection it waits, as every outcome
        does; False when `give_up` returned True meanwhile.
        """
        self._acks.line(log, "order done", document)
        if self._exchange is None:
            return True
        message = Outgoing(
            exchange=self._exchange,
            routing_key=document["merchant"],
            body=dump(document),
            properties={"correlation_id": document["order"], "content_type": "application/json", "delivery_mode": 2},
            headers={},
            mandatory=False,
        )
        while True:
            try:
                self._publisher.publish(message, RECORDS, give_up)
                self._warned = False
                return True
            except TooLarge as error:
                self._warn(error)
                return True
            except NotPublished as error:
                if self._publisher.open:
                    self._warn(error)
                    return True
            if give_up():
                return False
            self._publisher.wait_open(1.0)

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            log.warning("completion records are not published: %s", error)
        self._warned = True
