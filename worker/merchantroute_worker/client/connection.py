"""One AMQP connection with one channel in confirm mode, used by one thread.

The socket has one time-out, set once, for writes and for reads of a frame that has begun: neither can block the thread
for longer.
"""

import socket
from typing import Any

import amqp

from merchantroute_worker.client.pending import Pending, Unconfirmed
from merchantroute_worker.rabbit.address import ERRORS, BrokerAddress
from merchantroute_worker.rabbit.publish_channel import PublishChannel

SOCKET_TIMEOUT = 5.0  # seconds for one operation on the socket
HEARTBEAT = 30


class Connection:
    """A connection to the broker; `blocked` while the broker blocks publishers.

    `unconfirmed` are the orders that were published on the present channel and have no answer yet; their answers come
    inside `read`.
    """

    def __init__(self, address: BrokerAddress, unconfirmed: Unconfirmed) -> None:
        self.blocked = False
        self.unconfirmed = unconfirmed
        self._channel: PublishChannel | None = None
        self._connection = amqp.Connection(
            host=address.netloc,
            **address.login(),
            virtual_host=address.vhost,
            ssl=address.ssl(),
            heartbeat=HEARTBEAT,
            connect_timeout=SOCKET_TIMEOUT,
            on_blocked=self._block,
            on_unblocked=self._unblock,
            # py-amqp's own is one second: a broker that throttles its publishers may read on only after that.
            socket_settings={socket.TCP_USER_TIMEOUT: int(SOCKET_TIMEOUT * 1000)},
            client_properties={"connection_name": "merchantroute-client"},
        )

    @property
    def socket(self) -> socket.socket:
        """The socket, for a selector."""
        return self._connection.transport.sock

    @property
    def closed(self) -> tuple[int, str] | None:
        """Reply code and text with which the broker closed the channel, None while it is open."""
        return self._channel.closed if self._channel else None

    def connect(self) -> None:
        """Open the connection and its channel."""
        self._connection.connect()
        self.socket.settimeout(SOCKET_TIMEOUT)
        self.open_channel()

    def open_channel(self) -> None:
        """Open a channel, also in the place of one that the broker closed. Its delivery tags begin at 1 again."""
        self.unconfirmed.restart()
        self._channel = PublishChannel.opened(self._connection, self.unconfirmed)

    def publish(self, pending: Pending, exchange: str, now: float) -> None:
        """Write the order's `basic.publish`, mandatory. `now` is monotonic seconds."""
        assert self._channel is not None  # noqa: S101
        self.unconfirmed.add(pending, now)
        self._channel.publish(pending.message.packed, exchange, pending.message.merchant)

    def read(self) -> None:
        """Handle one frame; blocks until all of a frame that has begun is there."""
        self._connection.blocking_read(None)

    def buffered(self) -> bool:
        """Whether bytes were read from the socket ahead of their frame: a selector does not see those."""
        transport = self._connection.transport
        pending: Any = getattr(transport.sock, "pending", None)
        return bool(transport._read_buffer) or bool(pending and pending())  # noqa: SLF001 - TLS reads ahead

    def beat(self) -> None:
        """Send a heartbeat where one is due, and check the broker's; to be called every few seconds."""
        self._connection.heartbeat_tick()

    def close(self) -> None:
        """Close the connection by AMQP's handshake; at once where the broker blocks it, and so would not answer."""
        try:
            if not self.blocked and self._connection.connected:
                self._connection.close()
            self._connection.collect()
        except ERRORS:
            return

    def drop(self) -> None:
        """Close the socket at once, without AMQP's handshake."""
        try:
            self._connection.collect()
        except ERRORS:
            return

    def forget(self) -> None:
        """Close this process's descriptor in a child of a fork, and leave the parent's connection as it is."""
        transport = self._connection._transport  # noqa: SLF001 - the property would connect again
        if transport is not None and transport.sock is not None:
            transport.sock.close()

    def _block(self, reason: str) -> None:
        del reason
        self.blocked = True

    def _unblock(self) -> None:
        self.blocked = False
