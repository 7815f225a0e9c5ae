"""Reads a py-amqp connection that other greenlets or threads write to.

`drain_events(timeout)` sets the time-out of the socket, which the writers share: one of them could time out after half
a frame. So the reader polls for bytes first, and then reads without a time-out.
"""

import select
import time
from typing import Any

import amqp

from merchantroute_worker.rabbit.address import ERRORS


class ConnectionReader:
    """The reader of one open connection."""

    def __init__(self, connection: amqp.Connection) -> None:
        self.connection = connection
        # py-amqp's property `transport` reconnects by itself once the connection is closed.
        self._transport = connection.transport
        self._closed = False
        self._beat = time.monotonic()

    def read(self, seconds: float) -> None:
        """Handle the next frame, or return after so many seconds without one; keep the heartbeat.

        ConnectionResetError when a writer has closed the connection meanwhile.
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
        """Close the socket, without AMQP's handshake; every confirmed publish is safe."""
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
