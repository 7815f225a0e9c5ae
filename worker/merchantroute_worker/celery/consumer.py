"""A Celery consumer that reconnects instead of ending the process, and never acks a message whose outcome is not safe.

It differs from `celery.worker.consumer.Consumer` (5.5 to 5.7) in this:

* steps: no gossip, no control, no agent, and no DelayedDelivery, which declares 28 queues of its own;
* `connect`: reads the broker's files again and waits; Celery ends the worker when access is refused or the queue is
  missing;
* `start`: an error that Celery does not expect is logged, and the consumer starts again;
* messages that are not a task, name an unknown task, or contain text that is not UTF-8 go to dead letters, confirmed,
  before they are acked.
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from amqp.exceptions import NotFound
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown

from merchantroute_worker import pod
from merchantroute_worker.celery.event_sender import EventSender
from merchantroute_worker.celery.order_task import TASK
from merchantroute_worker.celery.own_queue_consumers import OwnQueueConsumers
from merchantroute_worker.celery.prefetch import set_prefetch
from merchantroute_worker.celery.producers import use_lane_producers
from merchantroute_worker.celery.send_task import SendTask
from merchantroute_worker.celery.strategy import make_safe
from merchantroute_worker.delivery.deliveries import Deliveries
from merchantroute_worker.rabbit import address
from merchantroute_worker.rabbit.ack_flush import BUFFERED_FROM, flush_acks
from merchantroute_worker.rabbit.connection import connect
from merchantroute_worker.rabbit.frames import use_bulk_io
from merchantroute_worker.rabbit.non_utf8 import non_utf8_fields, read_non_utf8
from merchantroute_worker.reporting import hub_monitor, start
from merchantroute_worker.runtime.gevent_setup import tune_garbage_collector
from merchantroute_worker.runtime.threads import sleep, start_daemon
from merchantroute_worker.telemetry.logs import hide_task_contents, keep_own_records
from merchantroute_worker.telemetry.task_events import RecordedTaskEvents

log = logging.getLogger(__name__)
HEARTBEAT = 60
HEARTBEAT_CHECK_INTERVAL = 1.0  # seconds between two checks; py-amqp sends a heartbeat when one is due
FASTEST_RETRY, SLOWEST_RETRY = 0.2, 5.0
LONGEST_READ = 0.5
"""Seconds that the loop reads before it looks at what other threads want done, where nothing comes: Celery's are 2."""


class LeanConsumer(Consumer):
    """The consumer that Celery loads through the setting `worker_consumer`."""

    class Blueprint(Consumer.Blueprint):
        """The remaining bootsteps. Tasks requires Mingle, which is present but switched off."""

        default_steps = (
            "celery.worker.consumer.connection:Connection",
            "celery.worker.consumer.mingle:Mingle",
            "celery.worker.consumer.events:Events",
            "celery.worker.consumer.tasks:Tasks",
            "celery.worker.consumer.consumer:Evloop",
        )

    def __init__(self, *args: Any, pool: Any = None, worker_options: Any = None, **kwargs: Any) -> None:
        read_non_utf8()
        self.connection: Any = None
        self.mr_pod = pod.start(pool.limit, green=pool.is_green)
        start.start_reporting(self.mr_pod)
        self.deliveries = Deliveries(self.mr_pod, pool)
        self.own_queues = OwnQueueConsumers(self)
        self.mr_pod.own_orders = self.deliveries.waiting
        self._heartbeat_checked_at = time.monotonic()
        self._acks_at_cancel = 0
        self._was_ready = False
        # Configuration is read by another thread; a consumer may be changed only by the one that reads its connection.
        self.mr_pod.on_slots_change(lambda slots: self.call_soon(self._resize, slots))
        self.mr_pod.files.on_change(self.own_queues.configure)
        # Disabled even if the command line does not say so: with its event connection the loop wakes up ten times a
        # second.
        disabled = dict.fromkeys(("without_mingle", "without_gossip", "without_heartbeat"), True)
        events = self.mr_pod.identity.events or bool(kwargs.pop("task_events", False))
        super().__init__(
            *args, pool=pool, worker_options={**(worker_options or {}), **disabled}, **{**kwargs, "task_events": False}
        )
        self._event_sender = self._start_events() if events else None
        # Before the pool starts: its children inherit app and loggers as they are now.
        hide_task_contents()
        keep_own_records()
        self.mr_pod.timezone = self.app.timezone
        self.app.send_task = SendTask(self.app, self.mr_pod)
        use_lane_producers(self.app)

    def start(self) -> None:
        """Consume until the worker stops."""
        while True:
            try:
                super().start()
                return
            except Exception:
                # WorkerShutdown and WorkerTerminate are SystemExits and propagate; nothing else may end the pod.
                log.exception("the consumer failed, it starts again")
                self.mr_pod.readiness.waiting_for("the consumer to start again")
                self._disconnect()
                self.blueprint.restart(self)
                self._sleep_unless_ending(1.0)

    def _resize(self, slots: int) -> None:
        set_prefetch(self, slots)
        self.own_queues.apply()

    def stop(self) -> None:
        """Stop consuming. The connection stays open for the acks of what the pool finishes."""
        self._acks_at_cancel = self.mr_pod.acks.written
        self._stop_own_queues()
        super().stop()
        if not self.pool.is_green:
            start_daemon(self._send_heartbeats, "heartbeats")

    def shutdown(self) -> None:
        """Called once the pool has stopped."""
        if self.task_consumer and self.mr_pod.acks.written - self._acks_at_cancel >= BUFFERED_FROM:
            self._flush_acks()
        super().shutdown()
        if self._event_sender:
            self._event_sender.close()

    def connect(self) -> Any:
        """Open a connection to a broker that has the lane's queue. Waits for both, with bounded backoff."""
        pause = FASTEST_RETRY
        while True:
            maybe_shutdown()
            try:
                broker = address.BrokerAddress.from_files(self.mr_pod.identity.broker_dir)
                connection = self._open(broker)
            except address.ERRORS as error:
                self.mr_pod.readiness.waiting_for(f"the broker: {_reason(error)}")
            else:
                queue = self.mr_pod.queue
                if _has_queue(connection, queue):
                    self.first_connection_attempt = False
                    return connection
                self.mr_pod.readiness.waiting_for(f"queue {queue} on {broker}")
            self._sleep_unless_ending(pause)
            pause = min(pause * 2, SLOWEST_RETRY)

    def update_strategies(self) -> None:
        """Give every task our strategy, whatever its own attributes say."""
        for name, task in self.app.tasks.items():
            if name != TASK:
                make_safe(task)
        super().update_strategies()

    def on_ready(self) -> None:
        """Called once the consumer is registered at the broker."""
        super().on_ready()
        keep_own_records()
        set_prefetch(self, self.mr_pod.concurrency)
        if self.mr_pod.files.generation:
            self.own_queues.configure(self.mr_pod.files.current)
        self.own_queues.connected()
        if self.pool.is_green:
            # Only from here on: startup imports block the hub too, and no order waits then.
            hub_monitor.start_monitor(self.mr_pod)
        if not self._was_ready:
            self._was_ready = True
            tune_garbage_collector()
        self.mr_pod.readiness.consuming()

    def perform_pending_operations(self) -> None:
        """Called on each iteration of the loop, at least every half a second. Without greenlets Celery sends no
        heartbeats, so they are sent here.
        """
        super().perform_pending_operations()
        now = time.monotonic()
        self.own_queues.retry(now)
        if not self.pool.is_green and self.connection and now - self._heartbeat_checked_at >= HEARTBEAT_CHECK_INTERVAL:
            self._heartbeat_checked_at = now
            self.connection.heartbeat_check()

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Called when the connection broke, or the queue was deleted (the broker then cancels its consumers)."""
        self.mr_pod.readiness.waiting_for(f"the broker: {_reason(exc)}")
        self.deliveries.hand_back()
        super().on_connection_error_after_connected(exc)

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Dead-letter a message that kombu cannot decode. Celery would ack it, and it would be lost."""
        self.deliveries.dead_letter(message, "undecodable", f"the message cannot be decoded: {exc}")

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        """Dead-letter a message whose task Celery finds invalid. Celery would reject it."""
        del body
        self.deliveries.dead_letter(message, "malformed", f"the message is no valid task: {exc}")

    def on_unknown_message(self, body: Any, message: Any) -> None:
        """Dead-letter a message that names no task. Celery would reject it."""
        del body
        self.deliveries.dead_letter(
            message, "malformed", "the message names no task: neither its headers nor its body do"
        )

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        """Let a message of a task that this app does not have wait for another pod. Celery would reject it."""
        del body, exc
        self.deliveries.defer_unknown_task(message, f"no task {message.headers.get('task')!r} in this app")

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Any:
        """Wrap Celery's message handler, which a message with unusual headers can make raise: such a message is
        dead-lettered.
        """
        handle = super().create_task_handler(*args, **kwargs)

        def on_task_received(message: Any) -> None:
            key, headers = message.delivery_info.get("routing_key"), message.headers or {}
            if where := non_utf8_fields(routing_key=key, properties=message.properties, headers=headers):
                self.deliveries.dead_letter(message, "undecodable", f"text that is not UTF-8: {where}")
                return
            try:
                if headers.get("task") == TASK and TASK in self.strategies:
                    # The short path to what Celery's handler would do, without the promises that it creates for its
                    # Request.
                    self.deliveries.start_order(message)
                else:
                    handle(message)
            except address.ERRORS:
                raise
            except Exception as error:
                log.exception("a message could not be handled")
                self.deliveries.dead_letter(message, "malformed", f"the message cannot be handled: {error!r}")

        return on_task_received

    def _stop_own_queues(self) -> None:
        try:
            self.own_queues.stop()
        except Exception as error:  # noqa: BLE001 - nothing may keep a pod from ending; the broker has the orders
            log.warning("the own queues' consumers could not be cancelled: %s", error)

    def _start_events(self) -> EventSender:
        """Record what happens to orders and tasks alike, and send it. Celery's own dispatcher stays off."""
        self.mr_pod.events = events = RecordedTaskEvents()
        exchange = self.app.conf.event_exchange
        clock = self.app.clock
        sender = EventSender(self.mr_pod, events, hostname=self.hostname, exchange=exchange, clock=clock)
        sender.start()
        return sender

    def _flush_acks(self) -> None:
        try:
            for channel, queue in ((self.task_consumer.channel, self.mr_pod.queue), *self.own_queues.stopped):
                flush_acks(channel, queue, on_delivery=_leave_to_broker)
        except address.ERRORS as error:
            log.warning("the last acks may not have reached their queue: %s", error)

    def _open(self, broker: address.BrokerAddress) -> Any:
        name = f"{self.mr_pod.identity.pod} consumer"
        connection = connect(broker, heartbeat=HEARTBEAT, client_properties={"connection_name": name})
        connection.connect()
        use_bulk_io(connection.connection)
        connection.drain_events = partial(_drain_events, connection.drain_events)
        return connection

    def _sleep_unless_ending(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            maybe_shutdown()
            sleep(0.1)

    def _send_heartbeats(self) -> None:
        """Send heartbeats until the connection is closed. Celery's loop, which sends them without greenlets, has ended
        by then, and nobody reads the connection, so the broker's own cannot be checked.
        """
        while (connection := self.connection) is not None and connection.connected:
            try:
                connection.connection.send_heartbeat()
            except address.ERRORS as error:
                log.debug("no heartbeat: %s", error)
                return
            sleep(max(1.0, connection.connection.heartbeat / 4))

    def _disconnect(self) -> None:
        self.deliveries.hand_back()
        connection, self.connection = self.connection, None
        if connection:
            try:
                connection.collect()
            except address.ERRORS as error:
                log.debug("the broken connection would not close: %s", error)


def _leave_to_broker(message: Any) -> None:
    del message


def _drain_events(drain: Callable[..., Any], timeout: float | None = None) -> Any:
    return drain(timeout=None if timeout is None else min(timeout, LONGEST_READ))


def _has_queue(connection: Any, queue: str) -> bool:
    """Check for the queue with a passive declare; a worker declares nothing. Closes the connection if it is missing."""
    try:
        channel = connection.channel()
        channel.queue_declare(queue, passive=True)
        channel.close()
        return True
    except NotFound:
        connection.collect()
        return False


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
