"""Batches completion records and acks: one write of log lines, then one write of acks for each turn of gevent's hub.

Under gevent a turn of the hub ends many calls at once. Writing to the broker's socket costs as much for one ack as for
fifty, and so does writing to standard output, so both wait some microseconds for the end of the turn, in a greenlet of
their own. An order's record is written before its ack. Each delivery tag is acked by itself: `multiple` would also ack
messages that are still being processed.

With native threads nothing is batched: each thread writes at once.
"""

import logging
from typing import Any, Protocol

from merchantroute_worker.rabbit.address import ERRORS
from merchantroute_worker.rabbit.frames import write_acks
from merchantroute_worker.runtime.hub_batch import HubBatch
from merchantroute_worker.telemetry.logs import LineBuffer

log = logging.getLogger(__name__)


class Acks(Protocol):
    """Port for completion records and acks. `len` is the number of acks not yet written."""

    @property
    def written(self) -> int:
        """The number of acks that were written."""

    def line(self, logger: logging.Logger, message: str, document: dict[str, Any]) -> None:
        """Log a completion record."""

    def ack(self, message: Any) -> None:
        """Ack a kombu message whose outcome is safe."""

    def __len__(self) -> int: ...


class ImmediateAcks:
    """Writes each record and ack at once, for pools of native threads."""

    def __init__(self) -> None:
        self.written = 0

    def line(self, logger: logging.Logger, message: str, document: dict[str, Any]) -> None:
        """See `Acks`."""
        logger.info(message, extra={"data": document})

    def ack(self, message: Any) -> None:
        """See `Acks`."""
        self.written += 1
        try:
            message.ack()
        except ERRORS as error:
            _close_connection(message, error)

    def __len__(self) -> int:
        return 0


class BatchedAcks:
    """Batches the records and acks of one turn of gevent's hub. For one hub only."""

    def __init__(self, lines: LineBuffer) -> None:
        self._lines = lines
        self._acks: list[Any] = []
        self._open = self.written = 0
        self._batch = HubBatch(self._write)

    def line(self, logger: logging.Logger, message: str, document: dict[str, Any]) -> None:
        """See `Acks`."""
        self._lines.info(logger, message, document)
        self._batch.request()

    def ack(self, message: Any) -> None:
        """See `Acks`."""
        if message.acknowledged:
            raise message.MessageStateError("acked twice")
        message._state = "ACK"  # noqa: SLF001 - as kombu's own `ack` leaves it
        self._acks.append(message)
        self._open += 1
        self._batch.request()

    def __len__(self) -> int:
        return self._open

    def _write(self) -> None:
        self._lines.flush()
        acks, self._acks = self._acks, []
        of_channels: dict[Any, list[Any]] = {}
        for message in acks:
            of_channels.setdefault(message.channel, []).append(message)
        for channel, messages in of_channels.items():
            try:
                write_acks(channel, messages)
            except Exception as error:  # noqa: BLE001 - whatever it was, a forgotten ack holds a prefetch slot for good
                _close_connection(messages[0], error)
            finally:
                self._open -= len(messages)
                self.written += len(messages)


def _close_connection(message: Any, error: Exception) -> None:
    # Half a frame may have been written: close the connection, and the broker requeues its messages.
    log.warning("could not ack, closing the consuming connection: %s", error)
    connection = getattr(message.channel, "connection", None)
    if connection is not None:
        connection.collect()
