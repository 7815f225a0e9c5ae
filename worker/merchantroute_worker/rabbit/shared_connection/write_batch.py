"""Frames of a publishing connection, those of one turn of the hub in one write.

A turn of the hub may publish many orders. A write costs as much for one as for fifty. It comes after all that is ready
to run now, microseconds later; the publisher of each waits for the broker's confirm anyway.
"""

from collections.abc import Callable
from typing import Any

from amqp.method_framing import frame_writer

from merchantroute_worker.runtime.hub_batch import HubBatch


class WriteBatch:
    """Stands in for the transport of a connection's `frame_writer`. `failed` gets the error of a write: half a frame
    may be out. For one hub only.
    """

    def __init__(self, write: Callable[[bytes], None], failed: Callable[[Exception], None]) -> None:
        self._send = write
        self._failed = failed
        self._frames: list[bytes] = []
        self._batch = HubBatch(self._flush)

    def write(self, frame: Any) -> None:
        """Write the frame at the end of the hub's turn. py-amqp lends a view of its buffer, which the next frame
        overwrites.
        """
        self._frames.append(bytes(frame))
        self._batch.request()

    def _flush(self) -> None:
        frames, self._frames = self._frames, []
        try:
            self._send(b"".join(frames))
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing that follows would be understood
            self._failed(error)


def write_together(connection: Any, failed: Callable[[Exception], None]) -> None:
    """Batch the writes of an open amqp.Connection."""
    connection.frame_writer = frame_writer(connection, WriteBatch(connection.transport.write, failed))
