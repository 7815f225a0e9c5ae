"""One connection to the broker with one confirming channel, used by one thread.

The socket has one time-out, set once, for reads of half a frame and for writes: neither can hold the thread for long.
py-amqp raises into the reader when the broker closes a channel, and reopens it on the spot; here `closed` says so.
"""

import socket
from collections.abc import Callable
from typing import Any

import amqp
from amqp import spec
from amqp.exceptions import AMQPError

from merchantroute_worker.client.pending import Pending, Unconfirmed
from merchantroute_worker.client.settings import Address

ERRORS = (AMQPError, OSError)
PATIENCE = 5.0  # seconds for one operation on the socket
HEARTBEAT = 30


class _Channel(amqp.Channel):
    closed: tuple[int, str] | None = None

    def _on_close(self, reply_code: int, reply_text: str, class_id: int, method_id: int) -> None:
        del class_id, method_id
        self.send_method(spec.Channel.CloseOk)
        self.closed = (reply_code, reply_text)
        self.collect()


class Connection:
    """An open line. `answered(pending, nacked, returned)` is called for every answer, inside `read`."""

    def __init__(self, address: Address, answered: Callable[[Pending, bool, str | None], None]) -> None:
        self.blocked = False
        self.flight = Unconfirmed()
        self._answered = answered
        self._channel: _Channel | None = None
        self._connection = amqp.Connection(
            host=address.netloc,
            userid=address.username,
            password=address.password,
            login_method="PLAIN",
            virtual_host=address.vhost,
            ssl=address.ssl(),
            heartbeat=HEARTBEAT,
            connect_timeout=PATIENCE,
            on_blocked=self._block,
            on_unblocked=self._unblock,
            # py-amqp's own is one second, which a broker that throttles its publishers may well take to read on.
            socket_settings={socket.TCP_USER_TIMEOUT: int(PATIENCE * 1000)},
            client_properties={"connection_name": "merchantroute-client"},
        )

    @property
    def socket(self) -> socket.socket:
        """What to wait on."""
        return self._connection.transport.sock

    @property
    def closed(self) -> tuple[int, str] | None:
        """Code and text with which the broker closed the channel, None while it is open."""
        return self._channel.closed if self._channel else None

    def connect(self) -> None:
        """Open connection and channel."""
        self._connection.connect()
        self.socket.settimeout(PATIENCE)
        self.open_channel()

    def open_channel(self) -> None:
        """Open a channel in the place of one that was closed."""
        self.flight = Unconfirmed()
        self._channel = channel = _Channel(self._connection, auto_decode=False)
        channel.open()
        channel.confirm_select()
        channel.events["basic_ack"].add(lambda tag, multiple: self._settle(tag, multiple, nacked=False))
        channel.events["basic_nack"].add(lambda tag, multiple: self._settle(tag, multiple, nacked=True))
        channel.events["basic_return"].add(self._returned)

    def publish(self, pending: Pending, exchange: str, now: float) -> None:
        """Put the order on the wire, mandatory. Its answer comes while reading."""
        assert self._channel is not None  # noqa: S101
        self.flight.add(pending, now)
        arguments = (0, exchange, pending.letter.merchant, True, False)
        # Not basic_publish: that reads first, with a time-out of its own, and raises what it meets.
        self._channel.send_method(spec.Basic.Publish, "Bssbb", arguments, pending.letter.content())

    def read(self) -> None:
        """Handle one frame; blocks for the rest of one that has begun."""
        self._connection.blocking_read(None)

    def buffered(self) -> bool:
        """Whether bytes have been read from the socket already that make a frame: waiting on it would miss them."""
        transport = self._connection.transport
        pending: Any = getattr(transport.sock, "pending", None)
        return bool(transport._read_buffer) or bool(pending and pending())  # noqa: SLF001 - TLS reads ahead

    def beat(self) -> None:
        """Keep the heartbeat; to be called every few seconds."""
        self._connection.heartbeat_tick()

    def close(self) -> None:
        """Say goodbye, if the broker listens, and close."""
        try:
            if not self.blocked and self._connection.connected:
                self._connection.close()
            self._connection.collect()
        except ERRORS:
            return

    def drop(self) -> None:
        """Close at once."""
        try:
            self._connection.collect()
        except ERRORS:
            return

    def forget(self) -> None:
        """In a child of a fork: let go of the descriptor, and leave the parent's connection as it is."""
        transport = self._connection._transport  # noqa: SLF001 - the property would connect again
        if transport is not None and transport.sock is not None:
            transport.sock.close()

    def _settle(self, tag: int, multiple: bool, *, nacked: bool) -> None:
        for pending, returned in self.flight.answered(tag, multiple=multiple):
            self._answered(pending, nacked, returned)

    def _returned(self, error: Exception, exchange: str, routing_key: str, message: Any) -> None:
        del error
        why = f"returned as unroutable: no queue takes {routing_key!r} behind {exchange!r}"
        self.flight.returned(str(message.properties.get("correlation_id")), why)

    def _block(self, reason: str) -> None:
        del reason
        self.blocked = True

    def _unblock(self) -> None:
        self.blocked = False
