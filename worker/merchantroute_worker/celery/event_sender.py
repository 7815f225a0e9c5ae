"""Publishes task events and the worker's own heartbeats to Celery's event exchange, as `celery worker -E` does.

On a connection of its own, not persistent, in batches: a missing exchange, a missing permission or a blocked broker
costs events, never an order. The exchange is not declared: who listens does that, and the pods' user may declare
nothing.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import amqp
from amqp.exceptions import AccessRefused, NotFound
from celery import VERSION_BANNER
from celery.utils.time import utcoffset

from merchantroute_worker.pod import Pod
from merchantroute_worker.rabbit import address
from merchantroute_worker.rabbit.connection import connect
from merchantroute_worker.runtime.threads import start_daemon
from merchantroute_worker.telemetry.task_events import RecordedTaskEvents

log = logging.getLogger(__name__)
FLUSH_INTERVAL = 0.5  # seconds between two batches
BATCH = 500  # events in one message
HEARTBEAT_INTERVAL = 10.0  # seconds; Flower shows a worker as offline after two without one
RETRY_INTERVAL = 10.0  # seconds after which a failed connection is tried again
CONFIRM_TIMEOUT = 10.0
CLOSING = 2.0  # seconds for the last events at the pod's end


class EventSender:
    """Sends the events of one pod. `exchange` is the app's `event_exchange`, `clock` gives its logical time."""

    def __init__(self, pod: Pod, events: RecordedTaskEvents, *, hostname: str, exchange: str, clock: Any) -> None:
        self._pod, self._events = pod, events
        self._exchange = exchange
        self._common = {"hostname": hostname, "utcoffset": utcoffset(), "pid": os.getpid()}
        self._tick: Callable[[], int] = clock.forward
        self._closing, self._closed = threading.Event(), threading.Event()
        self._connection: Any = None
        self._channel: Any = None
        self._problem = ""

    def start(self) -> None:
        """Send from now on, in a thread or greenlet of its own."""
        start_daemon(self._run, "task events")

    def close(self) -> None:
        """Send what is left, for a bounded time."""
        self._closing.set()
        self._closed.wait(CLOSING)

    def _run(self) -> None:
        beat_due = 0.0
        while not self._closing.is_set():
            pause = FLUSH_INTERVAL
            try:
                if self._channel is None:
                    self._open()
                    self._publish("worker.online", self._worker_event("worker-online"))
                if time.monotonic() >= beat_due:
                    beat_due = time.monotonic() + HEARTBEAT_INTERVAL
                    self._publish("worker.heartbeat", self._worker_event("worker-heartbeat"))
                self._flush()
            except address.ERRORS as error:
                self._failed(self._words(error))
                pause = RETRY_INTERVAL
            except Exception as error:
                log.exception("task events failed in an unexpected way")
                self._failed(repr(error))
                pause = RETRY_INTERVAL
            self._closing.wait(pause)
        self._send_last()

    def _send_last(self) -> None:
        try:
            if self._channel is not None:
                self._flush()
                self._publish("worker.offline", self._worker_event("worker-offline"))
                self._connection.close()
        except address.ERRORS as error:
            log.debug("the last task events were not sent: %s", error)
        self._closed.set()

    def _open(self) -> None:
        name = f"{self._pod.identity.pod} events"
        broker = address.BrokerAddress.from_files(self._pod.identity.broker_dir)
        # With confirms a refused publish raises, instead of closing the channel unseen.
        self._connection = connect(broker, confirm_publish=True, client_properties={"connection_name": name})
        channel = self._connection.channel()
        channel.exchange_declare(self._exchange, "topic", passive=True)
        self._channel = channel
        self._problem = ""
        log.info("task events are sent to the exchange %s", self._exchange)

    def _failed(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            log.warning("no task events are sent: %s", problem)
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            connection.collect()

    def _words(self, error: Exception) -> str:
        if isinstance(error, AccessRefused):
            return f"the broker's user may not write to the exchange {self._exchange}: give it write on it"
        if isinstance(error, NotFound):
            return f"there is no exchange {self._exchange} yet: whoever listens declares it, such as Flower"
        return f"{type(error).__name__}: {error}"

    def _flush(self) -> None:
        while batch := self._events.take(BATCH):
            common = self._common
            events = [
                {**each.fields, **common, "type": each.type, "uuid": each.uuid, "timestamp": each.at,
                 "clock": self._tick()}
                for each in batch
            ]  # fmt: skip
            self._publish("task.multi", events)

    def _worker_event(self, kind: str) -> dict[str, Any]:
        counters = self._pod.counters
        return {
            **self._common,
            "type": kind,
            "timestamp": time.time(),
            "clock": self._tick(),
            "freq": HEARTBEAT_INTERVAL,
            "active": counters.busy,
            "processed": counters.finished,
            "loadavg": [round(load, 2) for load in os.getloadavg()],
            "sw_ident": "merchantroute-worker",
            "sw_ver": VERSION_BANNER.split()[0],
            "sw_sys": "Linux",
        }

    def _publish(self, routing_key: str, body: Any) -> None:
        message = amqp.Message(
            json.dumps(body, separators=(",", ":")),
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=1,
            application_headers={"hostname": self._common["hostname"]},
        )
        self._channel.basic_publish(
            message,
            exchange=self._exchange,
            routing_key=routing_key,
            timeout=CONFIRM_TIMEOUT,
            confirm_timeout=CONFIRM_TIMEOUT,
        )
