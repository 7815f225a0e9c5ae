"""Replaces an app's `send_task`: publishes to the front door with the merchant's routing key, mandatory and confirmed.

Celery sends everything (retries, chains, links, `delay`, `apply_async`, `send_task`) through the app's `send_task`. A
message with an ETA goes to the ladder, where it waits without a slot; Celery would let it wait in a worker, or declare
28 queues of its own for it.

The connection pool is the app's own, created again for each process and for each change of the broker's files, so that
it works alike in greenlets, threads and child processes.
"""

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import Any

from amqp.exceptions import NotFound
from celery import current_task
from kombu import pools

from merchantroute_worker.orders import ladder
from merchantroute_worker.orders.envelope import ETA_WORTH_WAITING, PUBLISHED_AT
from merchantroute_worker.orders.messages import RUNG
from merchantroute_worker.orders.route import Route
from merchantroute_worker.pod import Pod
from merchantroute_worker.rabbit import address
from merchantroute_worker.rabbit.connection import connect

_POOLS: Any = pools  # kombu ships inline types only in part
MAX_CONNECTIONS = 20
ACQUIRE_TIMEOUT = 60.0  # seconds to wait for a free connection
# A task that has done its work waits here until the broker confirms its next messages, as a delivery waits for its
# outcome.
RETRY_POLICY = {"max_retries": None, "interval_start": 0.1, "interval_step": 0.5, "interval_max": 5.0}
# The route decides where a message goes; a task's own queues and exchanges belong to another deployment.
_DESTINATIONS = ("queue", "exchange", "exchange_type", "routing_key", "delivery_mode", "redelivered", "producer")


class SendTask:
    """The callable that replaces `send_task` of one app."""

    def __init__(self, app: Any, pod: Pod) -> None:
        self._app = app
        self._send = app.send_task
        self._pod = pod
        self._parent_pid = os.getpid()
        self._producers: tuple[Any, Any] | None = None

    def __call__(self, name: str, args: Any = None, kwargs: Any = None, **options: Any) -> Any:
        """Publish, with the arguments of Celery's `send_task`. Raises kombu's error when no queue takes the message."""
        dropped = {key: options.pop(key, None) for key in _DESTINATIONS}
        route = self._route()
        parent = current_task.request if current_task else None
        headers = _headers(options.pop("headers", None), parent, options.get("task_id"))
        exchange = route.front_door
        # Set as a plain header: given an ETA, Celery would look for a route through queues that it declares itself.
        due = _due(options.pop("countdown", None), options.pop("eta", None), self._timezone())
        headers["eta"] = due.isoformat() if due else None
        wait = (due - datetime.now(UTC)).total_seconds() if due else 0.0
        if wait > ETA_WORTH_WAITING:
            exchange = self._pod.ladder
            headers[RUNG] = str(ladder.before_eta(wait, route.delays_for_eta))
        forced = {
            "routing_key": _routing_key(dropped["routing_key"], parent, route),
            "headers": headers,
            "declare": [],
            "mandatory": True,
            "delivery_mode": 2,
            "retry": True,
            "retry_policy": RETRY_POLICY,
        }
        with self.pool().acquire(block=True, timeout=ACQUIRE_TIMEOUT) as producer:
            send = partial(self._send, name, args, kwargs, **{**options, **forced}, producer=producer)
            try:
                return send(exchange=exchange)
            except NotFound:
                # A route that is being deleted has no front door any more, but its queues are still consumed.
                return send(exchange=route.router)

    def _timezone(self) -> tzinfo:
        zone: tzinfo = self._app.timezone
        return zone

    def _route(self) -> Route:
        files = self._pod.files
        if os.getpid() != self._parent_pid:
            files.poll()  # a child process has no thread that polls
        return files.current

    def pool(self) -> Any:
        """Kombu's pool of confirming producers at the lane's broker, this process's own."""
        broker = address.BrokerAddress.from_files(self._pod.identity.broker_dir)
        key = (os.getpid(), broker)
        if self._producers is None or self._producers[0] != key:
            connection = connect(broker, confirm_publish=True)
            self._producers = (key, _POOLS.ProducerPool(connection.Pool(limit=MAX_CONNECTIONS), limit=MAX_CONNECTIONS))
        return self._producers[1]


def _routing_key(given: Any, parent: Any, route: Route) -> str:
    """The routing key: the caller's own if it names a merchant, else that of the running task."""
    if isinstance(given, str) and given in route.merchants:
        return given
    inherited = (getattr(parent, "delivery_info", None) or {}).get("routing_key")
    return inherited or (given if isinstance(given, str) else "")


def _due(countdown: Any, eta: Any, zone: tzinfo) -> datetime | None:
    """When the message is due. As in Celery, a countdown wins over an ETA, and one without a zone is in the app's."""
    if countdown:
        return datetime.now(UTC) + timedelta(seconds=countdown)
    if isinstance(eta, str):
        eta = datetime.fromisoformat(eta)
    if isinstance(eta, datetime):
        return eta if eta.tzinfo else eta.replace(tzinfo=zone)
    return None


def _headers(given: Mapping[str, Any] | None, parent: Any, task_id: Any) -> dict[str, Any]:
    """The headers to publish. A retry keeps its task's age; the parent's `mr-` and `x-` headers are dropped."""
    kept = {name: value for name, value in (given or {}).items() if not name.startswith(("mr-", "x-"))}
    stamp = parent.get(PUBLISHED_AT) if parent is not None and parent.id == task_id else None
    return {**kept, PUBLISHED_AT: stamp or int(time.time() * 1000)}
