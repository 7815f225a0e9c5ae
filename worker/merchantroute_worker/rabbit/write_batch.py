"""Frames of a publishing connection, those of one turn of the hub in one write.

A turn of the hub may refuse many orders, and each is published. A write costs as much for one as for fifty. It comes
after all that is ready to run now, microseconds later; who published waits for the broker's confirm anyway.
"""

from collections.abc import Callable
from typing import Any

import gevent
from amqp.method_framing import frame_writer


class WriteBatch:
    """Stands in for the transport of a connection's `frame_writer`. `failed` is told of a write that failed: half a
    frame may be out. For one hub only.
    """

    def __init__(self, write: Callable[[bytes], None], failed: Callable[[Exception], None]) -> None:
        self._send = write
        self._failed = failed
        self._frames: list[bytes] = []
        self._due = False

    def write(self, frame: Any) -> None:
        """Soon. py-amqp lends a view of its buffer, which the next frame overwrites."""
        self._frames.append(bytes(frame))
        if not self._due:
            self._due = True
            gevent.spawn(self._flush)

    def _flush(self) -> None:
        try:
            # What comes while a write waits for the broker is written after it, and not amid it.
            while self._frames:
                frames, self._frames = self._frames, []
                self._send(b"".join(frames))
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing that follows would be understood
            self._failed(error)
        finally:
            self._due = False


def write_together(connection: Any, failed: Callable[[Exception], None]) -> None:
    """Let an open amqp.Connection write so."""
    connection.frame_writer = frame_writer(connection, WriteBatch(connection.transport.write, failed))
