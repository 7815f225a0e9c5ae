"""py-amqp's connection, made to read and write in bulk: many frames a system call, and what comes with each message
the short way.

py-amqp (5.4.2) asks the socket for a frame's head, for its payload and for its end, nine calls for a message; and
writes each ack by itself. Its own writer holds a lock within, so what is written beside it takes part by a lock around.
"""

import struct
import threading
from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any

from amqp import spec
from amqp.exceptions import RecoverableConnectionError

from merchantroute_worker.rabbit import headers

AHEAD = 8 * 1024
"""Bytes asked of the socket at once; what is left is cut anew for each frame, so not more."""
_METHOD, _END = 1, 0xCE
_HEAD = Struct(">BHI")  # a frame: type, channel, size of the payload; then the payload, and its end
_DELIVER = "sLbss"  # consumer tag, delivery tag, redelivered, exchange, routing key
_HEADERS = "F"
_TAG_AND_BIT = Struct(">QB")
_ACK = Struct(">BHIHHQBB")
_ACK_SIZE = 13  # bytes of its payload: class, method, tag, `multiple`


class Writer:
    """Stands in for the connection's `frame_writer`."""

    def __init__(self, connection: Any) -> None:
        self._one = connection.frame_writer
        self._write = connection.transport.write
        self._lock = threading.Lock()

    def __call__(self, *frame: Any) -> None:
        """Write one frame, or a message's; as py-amqp's does."""
        with self._lock:
            self._one(*frame)

    def many(self, frames: bytes) -> None:
        """Write frames that are packed already."""
        with self._lock:
            self._write(frames)


def in_bulk(connection: Any) -> None:
    """Let an open amqp.Connection read ahead, and write frames together."""
    read_ahead(connection)
    connection.frame_writer = Writer(connection)


def read_ahead(connection: Any) -> None:
    """Let an open amqp.Connection ask its socket for more than one frame's part."""
    transport = connection.transport
    receive = transport._quick_recv  # noqa: SLF001 - py-amqp has no setting for it
    transport._quick_recv = lambda wanted: receive(max(wanted, AHEAD))  # noqa: SLF001
    wait_and_read = connection.blocking_read

    def read(timeout: float | None = None) -> Any:
        # What is here already needs no time-out, which py-amqp would set and unset on the socket for each frame.
        buffer = transport._read_buffer  # noqa: SLF001
        if len(buffer) <= _HEAD.size:
            return wait_and_read(timeout)
        kind, channel, size = _HEAD.unpack_from(buffer)
        end = _HEAD.size + size
        if len(buffer) <= end or buffer[end] != _END:
            return wait_and_read(timeout)
        transport._read_buffer = buffer[end + 1 :]  # noqa: SLF001
        return connection.on_inbound_frame((kind, channel, buffer[_HEAD.size : end]))

    connection.blocking_read = read


def write_acks(channel: Any, messages: Sequence[Any]) -> None:
    """Ack kombu messages of one channel: a `basic.ack` each, in one write. What the socket raises passes."""
    connection = channel.connection
    if connection is None:
        raise RecoverableConnectionError("connection already closed")
    writer = connection.frame_writer
    if not isinstance(writer, Writer):
        for message in messages:
            channel.basic_ack(message.delivery_tag)
        return
    number, (class_id, method_id) = channel.channel_id, spec.Basic.Ack
    writer.many(
        b"".join(
            _ACK.pack(_METHOD, number, _ACK_SIZE, class_id, method_id, message.delivery_tag, 0, _END)
            for message in messages
        )
    )


def quick(read: Callable[..., Any]) -> Callable[..., Any]:
    """py-amqp's `loads`, with a short way for what comes with each message: the arguments of `basic.deliver`, whose
    format py-amqp walks through letter by letter, and headers. What the short way cannot read, `read` does.
    """

    def loads(form: str, buffer: bytes, offset: int) -> Any:
        if type(buffer) is bytes:
            found = _delivery(buffer, offset) if form == _DELIVER else None
            if form == _HEADERS and (table := headers.headers(buffer, offset)):
                found = [table[0]], table[1]
            if found:
                return found
        return read(form, buffer, offset)

    return loads


def _delivery(buffer: bytes, offset: int) -> tuple[list[Any], int] | None:
    try:
        consumer, offset = _short(buffer, offset)
        tag, redelivered = _TAG_AND_BIT.unpack_from(buffer, offset)
        exchange, offset = _short(buffer, offset + _TAG_AND_BIT.size)
        key, offset = _short(buffer, offset)
    except (IndexError, struct.error, UnicodeDecodeError):
        return None
    return [consumer, tag, redelivered & 1 == 1, exchange, key], offset


def _short(buffer: bytes, offset: int) -> tuple[str, int]:
    end = offset + 1 + buffer[offset]
    return buffer[offset + 1 : end].decode("utf-8", "surrogatepass"), end
