"""What many orders of one hub turn share: their completion lines in one write, and then their acks in another.

Under gevent a turn of the hub ends many calls at once. A write to the broker's socket costs as much for one ack as for
fifty, so does a line to standard output; so both wait for the end of the turn, microseconds, in a greenlet of their
own. An order's line is out before its ack is. Each ack is its own order's: `multiple` would ack what is still worked.

Where orders are worked in native threads nothing is shared: there each writes at once.
"""

import logging
from typing import Any, Protocol

from merchantroute_worker.rabbit.address import ERRORS
from merchantroute_worker.rabbit.frames import write_acks
from merchantroute_worker.runtime.hub_batch import HubBatch
from merchantroute_worker.telemetry.logs import LineBuffer

log = logging.getLogger(__name__)


class Acks(Protocol):
    """Where completion lines and acks go. `len` is how many acks are not written yet."""

    def line(self, logger: logging.Logger, message: str, document: dict[str, Any]) -> None:
        """Log a completion record."""

    def ack(self, message: Any) -> None:
        """Ack a kombu message whose outcome is safe."""

    def __len__(self) -> int: ...


class ImmediateAcks:
    """Each by itself."""

    def line(self, logger: logging.Logger, message: str, document: dict[str, Any]) -> None:
        """See `Acks`."""
        logger.info(message, extra={"data": document})

    def ack(self, message: Any) -> None:
        """See `Acks`."""
        try:
            message.ack()
        except ERRORS as error:
            _close_connection(message, error)

    def __len__(self) -> int:
        return 0


class BatchedAcks:
    """All of a turn. For one hub only."""

    def __init__(self, lines: LineBuffer) -> None:
        self._lines = lines
        self._acks: list[Any] = []
        self._open = 0
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
            except Exception as error:  # noqa: BLE001 - whatever it was, an ack that is forgotten holds a slot for good
                _close_connection(messages[0], error)
            finally:
                self._open -= len(messages)


def _close_connection(message: Any, error: Exception) -> None:
    # Half a frame may be out: end the connection, and the broker hands its messages out again.
    log.warning("could not ack, closing the consuming connection: %s", error)
    connection = getattr(message.channel, "connection", None)
    if connection is not None:
        connection.collect()
