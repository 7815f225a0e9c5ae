"""The pod's one publishing connection: asynchronous confirms, mandatory orders, patience.

It is apart from the consuming connection, because a broker that runs out of memory blocks connections that publish,
and acks on a blocked connection would wait with it. While the broker blocks, or while there is no connection,
publishers wait here; nothing is given up.

Only the run loop reads from the connection, so everything that waits for an answer of the broker (opening channels)
happens in it. Any greenlet or thread may write: a channel's lock keeps delivery tags in the order of the writes.
"""

import logging
import struct
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

import amqp
from amqp import spec
from amqp.exceptions import AMQPError
from gevent import monkey

from merchantroute_worker.orders.messages import Outgoing
from merchantroute_worker.rabbit.address import ERRORS, BrokerAddress
from merchantroute_worker.rabbit.confirms import Confirm
from merchantroute_worker.rabbit.frames import read_ahead
from merchantroute_worker.rabbit.publish_channel import PublishChannel
from merchantroute_worker.rabbit.reader import ConnectionReader
from merchantroute_worker.rabbit.write_batch import write_together
from merchantroute_worker.runtime.threads import sleep

log = logging.getLogger(__name__)
HEARTBEAT = 30
REOPEN = 5.0
FASTEST_RETRY, SLOWEST_RETRY = 0.2, 5.0
LASTING = 10.0
ORDERS, RECORDS, PULSES = "orders", "records", "pulses"


class NotEncodable(Exception):
    """AMQP has no form for a header or property of the message; as it is, it can never be published."""


class NotPublished(Exception):
    """The message is not known to be safe; the text says why. Publishing it again is the caller's decision."""


class Publisher:
    """Publishes messages. `where` reads the broker's address and credentials, anew at each connect."""

    def __init__(self, where: Callable[[], BrokerAddress], confirm_timeout: float) -> None:
        self._where = where
        self._confirm_timeout = confirm_timeout
        self._wire: ConnectionReader | None = None
        self._channels: dict[str, PublishChannel] = {}
        self._open = threading.Event()

    @property
    def open(self) -> bool:
        """Whether the broker takes messages from us now."""
        return bool(self._open.is_set())

    def wait_open(self, timeout: float | None = None) -> bool:
        """Block until the broker takes messages; False when the timeout (seconds) came first."""
        return bool(self._open.wait(timeout))

    def publish(self, message: Outgoing, kind: str = ORDERS) -> None:
        """Publish and wait for the confirm. NotPublished when it did not come, or the message came back.

        NotEncodable when the message has a header that AMQP cannot carry.
        """
        channel = self._channels.get(kind)
        if channel is None or not self.open:
            raise NotPublished("the broker takes no messages now")
        result: SimpleQueue[str | None] = SimpleQueue()
        confirm = Confirm((message.exchange, str(message.properties.get("correlation_id"))), result.put)
        self._write(channel, message, confirm)
        problem = self._answer(result)
        if problem == "":
            channel.confirms.forget(confirm)
            problem = f"no confirm within {self._confirm_timeout:g} s"
        if problem is not None:
            raise NotPublished(problem)

    def send(self, message: Outgoing, kind: str = PULSES) -> None:
        """Publish without waiting for anything; lost if the broker does not take it now."""
        channel = self._channels.get(kind)
        if channel is not None and self.open:
            self._write(channel, message, None)

    def run(self) -> None:
        """Keep a connection, for the life of the pod."""
        pause = FASTEST_RETRY
        while True:
            began = time.monotonic()
            try:
                self._connect()
                self._read()
            except ERRORS as error:
                log.warning("publishing connection: %s", error)
            except Exception:
                # Whatever it was, a pod that never publishes again would hold its orders for ever.
                log.exception("publishing connection failed in an unexpected way")
            finally:
                self._drop("the publishing connection was lost")
            pause = FASTEST_RETRY if time.monotonic() - began > LASTING else min(pause * 2, SLOWEST_RETRY)
            sleep(pause)

    def close(self) -> None:
        """Say goodbye to the broker; what waits for a confirm is told that none will come."""
        self._drop("the worker shuts down")

    def _connect(self) -> None:
        broker = self._where()
        wire = self._wire = ConnectionReader(_connection(broker, self._blocked, self._unblocked))
        if monkey.is_module_patched("socket"):
            write_together(wire.connection, lambda error: self._failed(wire, error))
        for kind in (ORDERS, RECORDS, PULSES):
            self._channels[kind] = PublishChannel.opened(self._wire.connection, confirm=kind != PULSES)
        self._open.set()
        log.info("publishing connection to %s", broker)

    def _read(self) -> None:
        assert self._wire is not None  # noqa: S101
        while True:
            self._wire.read(1.0)
            for kind, channel in self._channels.items():
                if channel.lost_at is not None and (kind == ORDERS or time.monotonic() - channel.lost_at > REOPEN):
                    self._channels[kind] = PublishChannel.opened(self._wire.connection, confirm=kind != PULSES)

    def _write(self, channel: PublishChannel, message: Outgoing, confirm: Confirm | None) -> None:
        try:
            content = _Packed(message.body, application_headers=dict(message.headers), **message.properties)
        except (AMQPError, ValueError, TypeError, struct.error) as error:
            raise NotEncodable(str(error)) from error
        arguments = (0, message.exchange, message.routing_key, message.mandatory, False)
        with channel.lock:
            if channel.lost_at is not None:
                raise NotPublished("the channel was closed by the broker")
            if confirm:
                channel.confirms.add(confirm)
            try:
                # Not basic_publish: that reads from the connection first, which only the run loop may do.
                channel.send_method(spec.Basic.Publish, "Bssbb", arguments, content)
            except ERRORS as error:
                # Half a frame may be out: nothing that follows on this connection would be understood.
                self._drop(f"publishing failed: {error}")
                raise NotPublished(str(error)) from error

    def _answer(self, result: SimpleQueue[str | None]) -> str | None:
        """None when confirmed, a reason when not, empty when nothing came. A blocked broker stops the clock."""
        while True:
            try:
                return result.get(timeout=self._confirm_timeout)
            except Empty:
                if self.open or not self._channels:
                    return ""

    def _blocked(self, reason: str) -> None:
        log.warning("the broker blocks publishing (%s): orders are held", reason)
        self._open.clear()

    def _unblocked(self) -> None:
        log.info("the broker takes messages again")
        self._open.set()

    def _failed(self, wire: ConnectionReader, error: Exception) -> None:
        if wire is self._wire:
            self._drop(f"publishing failed: {error}")

    def _drop(self, why: str) -> None:
        self._open.clear()
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            channel.lose(why)
        wire, self._wire = self._wire, None
        if wire:
            wire.close()


class _Packed(amqp.Message):
    """A message whose properties are packed when it is made, so that a failure cannot leave half a frame behind, and
    not once more when it is written.
    """

    def __init__(self, body: bytes, **properties: Any) -> None:
        super().__init__(body, **properties)
        self._packed: bytes = super()._serialize_properties()

    def _serialize_properties(self) -> bytes:
        return self._packed


def _connection(broker: BrokerAddress, blocked: object, unblocked: object) -> amqp.Connection:
    connection = amqp.Connection(
        host=f"{broker.host}:{broker.port}",
        userid=broker.username,
        password=broker.password,
        login_method="PLAIN",
        virtual_host=broker.vhost,
        ssl=broker.tls(),
        heartbeat=HEARTBEAT,
        connect_timeout=10,
        on_blocked=blocked,
        on_unblocked=unblocked,
        client_properties={"connection_name": "merchantroute-worker publisher"},
    )
    connection.connect()
    read_ahead(connection)
    return connection
