"""A connection that only publishes: publisher confirms, mandatory messages, reconnects for ever.

It is not the consuming connection, because a RabbitMQ that runs out of memory or disk blocks connections that publish,
and acks on a blocked connection would wait as well. RabbitMQ blocks a connection at its next publish, so pulses have a
connection of their own: the one for orders stays open during an alarm until an outcome has to be published.

Only the run loop reads from the connection, so everything that waits for an answer of the broker (opening channels)
happens there. Any greenlet or thread may write: a channel's lock keeps delivery tags in the order of the writes.
"""

import logging
import re
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

import amqp
from gevent import monkey

from merchantroute_worker.orders.messages import Outgoing
from merchantroute_worker.rabbit.address import ERRORS, SOCKET_SETTINGS, BrokerAddress
from merchantroute_worker.rabbit.confirms import Confirm, Confirms, MessageKey
from merchantroute_worker.rabbit.frames import read_ahead
from merchantroute_worker.rabbit.packed_message import PackedMessage
from merchantroute_worker.rabbit.publish_channel import PublishChannel
from merchantroute_worker.rabbit.shared_connection.reader import ConnectionReader
from merchantroute_worker.rabbit.shared_connection.write_batch import write_together
from merchantroute_worker.runtime.threads import sleep, until_beat

log = logging.getLogger(__name__)
CONNECT_TIMEOUT = 10.0  # seconds
HEARTBEAT = 30
REOPEN = 5.0
FASTEST_RETRY, SLOWEST_RETRY = 0.2, 5.0
LASTING = 10.0
PRECONDITION_FAILED = 406
_SIZES = re.compile(r"message size (\d+)\D*(\d+)?").search
ORDERS, RECORDS, PULSES = "orders", "records", "pulses"
ALONE = "alone"
"""The channel of messages that are published one after the other, opened once the broker refused one of several."""


class NotPublished(Exception):
    """The message is not known to be in a queue; the text says why. To publish it again is the caller's decision."""


class PerhapsRefused(NotPublished):
    """The broker refused one of the messages that were on the channel, and does not say which: publish it ALONE."""


class Refused(Exception):
    """The broker refuses the message as it is, now and later; the text is the broker's."""


class TooLarge(Refused):
    """The broker takes no message of that size; the text says which size it takes."""


class _Channel(PublishChannel):
    """A channel with its unconfirmed publishes. `lost_at` is monotonic seconds, None while the channel is open."""

    def __init__(self, connection: amqp.Connection, confirms: Confirms) -> None:
        super().__init__(connection, confirms)
        self.lock = threading.Lock()
        self.confirms = confirms
        self.lost_at: float | None = None
        self.refused_one = False  # whether the broker closed it because of what one message is, other than its size
        self.given_up = (
            False  # whether somebody no longer waits for a confirm, so that a refusal may be of that message
        )

    def lose(self, reason: str) -> None:
        """Settle every unconfirmed publish: no answer comes on this channel any more."""
        self.lost_at = time.monotonic()
        self.confirms.lost(reason)

    def _on_close(self, reply_code: int, reply_text: str, class_id: int, method_id: int) -> None:
        self.refused_one = reply_code == PRECONDITION_FAILED and largest_message(reply_code, reply_text) is None
        # First of all: whoever writes meanwhile must find the channel lost, and not without a connection.
        self.lose(f"{reply_code} {reply_text}")
        super()._on_close(reply_code, reply_text, class_id, method_id)


class Publisher:
    """Publishes messages. `read_address` gives the broker's address and credentials, read anew at each connect; `kinds`
    are the kinds of messages, each of which has its own channel.
    """

    def __init__(
        self,
        read_address: Callable[[], BrokerAddress],
        confirm_timeout: float,
        *,
        kinds: tuple[str, ...] = (ORDERS, RECORDS),
    ) -> None:
        self._kinds = kinds
        self._read_address = read_address
        self._confirm_timeout = confirm_timeout
        self._reader: ConnectionReader | None = None
        self._channels: dict[str, _Channel] = {}
        self._open = threading.Event()
        self._largest: int | None = None
        self._alone = threading.Lock()

    @property
    def open(self) -> bool:
        """Whether there is a connection, and the broker does not block it."""
        return bool(self._open.is_set())

    def wait_open(self, timeout: float | None = None) -> bool:
        """Block until the publisher is open; False when the timeout (seconds) ended first."""
        return bool(self._open.wait(timeout))

    def publish(self, message: Outgoing, kind: str = ORDERS, give_up: Callable[[], bool] = lambda: False) -> None:
        """Publish and wait for the confirm, for as long as the connection lives: a quorum queue without a majority
        stores the message when it has one again, so a second publish would be a second copy. `give_up` is asked every
        confirm time-out. A message of the kind ALONE waits for those before it.

        Raises:
            TooLarge: the body is larger than the broker's `max_message_size`.
            Refused: the broker closed the channel because of this message, which was ALONE on it.
            NotPublished: the message was returned or refused, the connection was lost, or `give_up` returned True.
            NotEncodable: the message has a header that AMQP cannot carry.
        """
        if kind != ALONE:
            return self._publish(message, kind, give_up)
        while not self._alone.acquire(timeout=self._confirm_timeout):
            if give_up():
                raise NotPublished("given up while another message was published alone")
        try:
            self._publish(message, kind, give_up)
        finally:
            self._alone.release()

    def _publish(self, message: Outgoing, kind: str, give_up: Callable[[], bool]) -> None:
        channel = self._channels.get(kind)
        if channel is None or not self.open:
            raise NotPublished("the broker takes no messages now")
        if self._largest is not None and len(message.body) > self._largest:
            raise TooLarge(f"its {len(message.body)} bytes are more than the {self._largest} that the broker takes")
        result: SimpleQueue[str | None] = SimpleQueue()
        confirm = Confirm(_key(message), result.put)
        self._write(channel, message, confirm)
        problem = self._answer(result, give_up)
        if problem == "":
            channel.confirms.forget(confirm)
            channel.given_up = True
            problem = "given up without a confirm"
        if problem is None:
            return
        if channel.refused_one:
            raise Refused(problem) if kind == ALONE and not channel.given_up else PerhapsRefused(problem)
        raise NotPublished(problem)

    def send(self, message: Outgoing, kind: str = PULSES) -> None:
        """Publish without a confirm; the message is lost when the broker does not accept it now."""
        channel = self._channels.get(kind)
        if channel is not None and self.open:
            self._write(channel, message, None)

    def run(self) -> None:
        """Connect, and reconnect with a growing pause, for as long as the process lives."""
        pause = FASTEST_RETRY
        while True:
            began = time.monotonic()
            try:
                self._connect()
                self._read()
            except ERRORS as error:
                log.warning("publishing connection: %s", error)
            except Exception:
                # Whatever it was: a pod that never publishes again would keep its orders unacked for ever.
                log.exception("publishing connection failed in an unexpected way")
            finally:
                self._drop("the publishing connection was lost")
            pause = FASTEST_RETRY if time.monotonic() - began > LASTING else min(pause * 2, SLOWEST_RETRY)
            sleep(pause)

    def close(self) -> None:
        """Close the connection; unconfirmed publishes raise NotPublished."""
        self._drop("the worker shuts down")

    def _connect(self) -> None:
        address = self._read_address()
        name = f"merchantroute-worker {PULSES if PULSES in self._kinds else 'publisher'}"
        reader = self._reader = ConnectionReader(_connection(address, name, self._blocked, self._unblocked))
        if monkey.is_module_patched("socket"):
            write_together(reader.connection, lambda error: self._failed(reader, error))
        self._largest = None
        for kind in self._kinds:
            self._channels[kind] = self._opened(reader, kind)
        self._open.set()
        log.info("connection for %s to %s", " and ".join(self._kinds), address)

    def _opened(self, reader: ConnectionReader, kind: str) -> _Channel:
        return _Channel.opened(reader.connection, Confirms(), confirm=kind != PULSES)

    def _read(self) -> None:
        assert self._reader is not None  # noqa: S101
        while True:
            self._reader.read(until_beat(1.0))
            for kind, channel in tuple(self._channels.items()):
                if channel.closed is not None:
                    # Before the channel is replaced: the message that closed it would close the next one too, with all
                    # unconfirmed publishes of others. The limit is not told before.
                    self._largest = largest_message(*channel.closed) or self._largest
                if channel.refused_one and ALONE not in self._kinds:
                    self._kinds = (*self._kinds, ALONE)
                    self._channels[ALONE] = self._opened(self._reader, ALONE)
                at_once = kind in (ORDERS, ALONE)
                if channel.lost_at is not None and (at_once or time.monotonic() - channel.lost_at > REOPEN):
                    self._channels[kind] = self._opened(self._reader, kind)

    def _write(self, channel: _Channel, message: Outgoing, confirm: Confirm | None) -> None:
        content = PackedMessage(message.body, message.headers, **message.properties)
        with channel.lock:
            if channel.lost_at is not None:
                raise NotPublished("the channel was closed by the broker")
            if confirm and not channel.confirms.add(confirm):
                raise NotPublished("the channel was lost")
            try:
                channel.publish(content, message.exchange, message.routing_key, mandatory=message.mandatory)
            except ERRORS as error:
                # Half a frame may be written: the broker cannot read what follows on this connection.
                self._drop(f"publishing failed: {error}")
                raise NotPublished(str(error)) from error

    def _answer(self, result: SimpleQueue[str | None], give_up: Callable[[], bool]) -> str | None:
        """None when confirmed, else the reason; empty when the publisher gave up. A lost channel is an answer too."""
        warned = False
        while True:
            try:
                return result.get(timeout=self._confirm_timeout)
            except Empty:
                if give_up():
                    return ""
                if self.open and not warned:
                    warned = True
                    log.warning("no confirm within %g s: waiting for it", self._confirm_timeout)

    def _blocked(self, reason: str) -> None:
        log.warning("the broker blocks publishing of %s (%s)", " and ".join(self._kinds), reason)
        self._open.clear()

    def _unblocked(self) -> None:
        log.info("the broker takes %s again", " and ".join(self._kinds))
        self._open.set()

    def _failed(self, reader: ConnectionReader, error: Exception) -> None:
        if reader is self._reader:
            self._drop(f"publishing failed: {error}")

    def _drop(self, reason: str) -> None:
        self._open.clear()
        channels, self._channels = self._channels, {}
        for channel in channels.values():
            channel.lose(reason)
        reader, self._reader = self._reader, None
        if reader:
            reader.close()


def largest_message(reply_code: int, reply_text: str) -> int | None:
    """The size (bytes) up to which the broker takes messages, from the reply with which it closed a channel; None if it
    closed it for another reason.
    """
    if reply_code != PRECONDITION_FAILED or (found := _SIZES(reply_text)) is None:
        return None
    size, largest = found.groups()
    return int(largest) if largest else int(size) - 1


def _key(message: Outgoing) -> MessageKey:
    return (message.exchange, message.routing_key, str(message.properties.get("correlation_id")))


def _connection(address: BrokerAddress, name: str, blocked: object, unblocked: object) -> amqp.Connection:
    connection = amqp.Connection(
        host=address.netloc,
        **address.login(),
        virtual_host=address.vhost,
        ssl=address.ssl(),
        heartbeat=HEARTBEAT,
        connect_timeout=CONNECT_TIMEOUT,
        on_blocked=blocked,
        on_unblocked=unblocked,
        socket_settings=SOCKET_SETTINGS,
        client_properties={"connection_name": name},
    )
    connection.connect()
    read_ahead(connection)
    return connection
