"""Reading a py-amqp connection while others write, without touching its socket's time-out.

`drain_events(timeout)` sets the time-out of the socket, which writers in other greenlets or threads share: one of them
could give up after half a frame. So wait for bytes first, then read without a time-out.
"""

import select
import time
from typing import Any

import amqp

from merchantroute_worker.rabbit.address import ERRORS


class ConnectionReader:
    """One open connection."""

    def __init__(self, connection: amqp.Connection) -> None:
        self.connection = connection
        # py-amqp's property `transport` connects again on its own once the connection was closed.
        self._transport = connection.transport
        self._closed = False
        self._beat = time.monotonic()

    def read(self, seconds: float) -> None:
        """Handle the next frame, or return after so many seconds without one. Keeps the heartbeat.

        ConnectionResetError when somebody else closed the connection meanwhile.
        """
        readable = self._buffered() or self._readable(seconds)
        if self._closed:
            raise ConnectionResetError("closed by a writer")
        if readable:
            self.connection.blocking_read(None)
        now = time.monotonic()
        if now - self._beat >= 1.0:
            self._beat = now
            self.connection.heartbeat_tick()

    def close(self) -> None:
        """Drop the connection; the broker has everything that was confirmed."""
        self._closed = True
        try:
            self.connection.collect()
        except ERRORS:
            return

    def _buffered(self) -> bool:
        pending: Any = getattr(self._transport.sock, "pending", None)
        return bool(self._transport._read_buffer) or bool(pending and pending())  # noqa: SLF001 - py-amqp reads ahead

    def _readable(self, seconds: float) -> bool:
        sock = self._transport.sock
        if sock is None or sock.fileno() < 0:
            return False
        # Not select: it cannot see descriptors above 1,023.
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLIN)
        return bool(poll.poll(round(seconds * 1000)))
