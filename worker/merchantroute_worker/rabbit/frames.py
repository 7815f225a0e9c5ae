"""Bulk reads and writes for py-amqp's connection: many frames a system call, and a fast parser of deliveries.

py-amqp (5.4.2) reads a frame's header, payload and end octet one by one, nine calls a message, passes each of the three
frames of a message through a state machine, and writes each ack by itself. Its frame writer has a lock inside, so
frames that are written past it need another lock around both.
"""

import struct
import threading
from collections.abc import Callable, Sequence
from functools import partial
from struct import Struct
from typing import Any

from amqp import Message, spec
from amqp.exceptions import RecoverableConnectionError

from merchantroute_worker.rabbit import headers

AHEAD = 16 * 1024
"""Bytes to receive from the socket at once. Not more: the rest of the buffer is copied for each message."""
_METHOD, _CONTENT_HEADER, _CONTENT_BODY, _END = 1, 2, 3, 0xCE
_HEAD = Struct(">BHI")  # a frame: type, channel, size of the payload; then the payload and the end octet
_METHOD_SIGNATURE = Struct(">HH")
_END_OCTET = bytes((_END,))
_IS_DELIVER = _METHOD_SIGNATURE.pack(*spec.Basic.Deliver)
_BODY_SIZE = Struct(">Q")  # after class and weight in a content header
_DELIVER = "sLbss"  # consumer tag, delivery tag, redelivered, exchange, routing key
_HEADERS = "F"
_TAG_AND_BIT = Struct(">QB")
_Frame = tuple[int, int, bytes]  # type, channel, payload
_ACK = Struct(">BHIHHQBB")
_ACK_SIZE = 13  # bytes of its payload: class, method, tag, `multiple`


class FrameWriter:
    """Replaces a connection's `frame_writer`: also writes frames that are packed already."""

    def __init__(self, connection: Any) -> None:
        self._write_method = connection.frame_writer
        self._write = connection.transport.write
        self._lock = threading.Lock()

    def __call__(self, *frame: Any) -> None:
        """Write the frames of one method, as py-amqp's `frame_writer` does."""
        with self._lock:
            self._write_method(*frame)

    def write_packed(self, frames: bytes) -> None:
        """Write packed frames with one call."""
        with self._lock:
            self._write(frames)


def use_bulk_io(connection: Any) -> None:
    """Make an open amqp.Connection read ahead, and write packed frames."""
    read_ahead(connection)
    connection.frame_writer = FrameWriter(connection)


def read_ahead(connection: Any) -> None:
    """Make an open amqp.Connection receive more from its socket than the next part of a frame."""
    transport = connection.transport
    receive = transport._quick_recv  # noqa: SLF001 - py-amqp has no setting for it
    transport._quick_recv = lambda wanted: receive(max(wanted, AHEAD))  # noqa: SLF001

    def read(timeout: float | None = None) -> Any:
        if _deliver_all(connection, transport):
            return True
        frame = _buffered_frame(transport)
        if frame is None:
            frame = _received_frame(transport, timeout)
            if _begins_delivery(frame) and _deliver_all(connection, transport, frame):
                return True
        return connection.on_inbound_frame(frame)

    connection.blocking_read = read


def write_acks(channel: Any, messages: Sequence[Any]) -> None:
    """Ack kombu messages of one channel: one `basic.ack` each, in one write. What the socket raises passes."""
    connection = channel.connection
    if connection is None:
        raise RecoverableConnectionError("connection already closed")
    writer = connection.frame_writer
    if not isinstance(writer, FrameWriter):
        for message in messages:
            channel.basic_ack(message.delivery_tag)
        return
    number, (class_id, method_id) = channel.channel_id, spec.Basic.Ack
    writer.write_packed(
        b"".join(
            _ACK.pack(_METHOD, number, _ACK_SIZE, class_id, method_id, message.delivery_tag, 0, _END)
            for message in messages
        )
    )


def fast_loads(read: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap py-amqp's `loads` with a fast parser for the arguments of `basic.deliver`, whose format py-amqp interprets
    letter by letter, and for headers. Whatever that parser does not support is left to `read`.
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


def _buffered_frame(transport: Any) -> _Frame | None:
    """The next frame, if the buffer holds all of it: it needs no time-out, which py-amqp would set on the socket and
    reset for each frame.
    """
    buffer = transport._read_buffer  # noqa: SLF001
    if len(buffer) <= _HEAD.size:
        return None
    kind, channel, size = _HEAD.unpack_from(buffer)
    end = _HEAD.size + size
    if len(buffer) <= end or buffer[end] != _END:
        return None
    transport._read_buffer = buffer[end + 1 :]  # noqa: SLF001
    return kind, channel, buffer[_HEAD.size : end]


def _received_frame(transport: Any, timeout: float | None) -> _Frame:
    if transport.sock is None:
        raise RecoverableConnectionError("connection already closed")
    with transport.having_timeout(timeout):
        frame: _Frame = transport.read_frame()
    return frame


def _deliver_all(connection: Any, transport: Any, first: _Frame | None = None) -> bool:
    """Deliver the messages with which the buffer begins, and which it holds whole; whether there was one. `first` is a
    frame that was taken from it before.
    """
    delivered, buffer = False, transport._read_buffer  # noqa: SLF001
    if first is not None:
        kind, channel, payload = first
        buffer = b"".join((_HEAD.pack(kind, channel, len(payload)), payload, _END_OCTET, buffer))
    while delivery := _whole_delivery(connection, buffer):
        deliver, end = delivery
        transport._read_buffer = buffer[end:]  # noqa: SLF001
        connection.bytes_recv += 3
        deliver()
        delivered, buffer = True, transport._read_buffer  # noqa: SLF001
    return delivered


def _begins_delivery(frame: _Frame) -> bool:
    kind, _, payload = frame
    return kind == _METHOD and payload[: _METHOD_SIGNATURE.size] == _IS_DELIVER


def _whole_delivery(connection: Any, buffer: bytes) -> tuple[Callable[[], None], int] | None:
    """The call that delivers the message with which the buffer begins, and where that ends: method, content header and
    one body. None where it begins with something else, or py-amqp has to put the frames together.
    """
    if len(buffer) <= _HEAD.size:
        return None
    try:
        kind, number, size = _HEAD.unpack_from(buffer)
        method, method_end = _HEAD.size, _HEAD.size + size
        if kind != _METHOD or buffer[method : method + 4] != _IS_DELIVER or buffer[method_end] != _END:
            return None
        kind, of, size = _HEAD.unpack_from(buffer, method_end + 1)
        header, header_end = method_end + 1 + _HEAD.size, method_end + 1 + _HEAD.size + size
        body_kind, body_of, body_size = _HEAD.unpack_from(buffer, header_end + 1)
        body, end = header_end + 1 + _HEAD.size, header_end + 1 + _HEAD.size + body_size
        if buffer[header_end] != _END or buffer[end] != _END:
            return None
        if (kind, body_kind, of, body_of) != (_CONTENT_HEADER, _CONTENT_BODY, number, number):
            return None
        if _BODY_SIZE.unpack_from(buffer, header + _METHOD_SIGNATURE.size) != (body_size,):
            return None
    except (IndexError, struct.error):
        return None
    arguments = _delivery(buffer[method:method_end], _METHOD_SIGNATURE.size)
    # No channels: the connection was closed meanwhile.
    channel = (connection.channels or {}).get(number)
    if not arguments or not channel or channel.is_closing:
        return None
    content = Message(frame_method=spec.Basic.Deliver, frame_args=buffer[method:method_end])
    content.inbound_header(buffer[header:header_end])
    content.inbound_body(buffer[body:end])
    return partial(channel._on_basic_deliver, *arguments[0], content), end + 1  # noqa: SLF001


def _delivery(buffer: bytes, offset: int) -> tuple[list[Any], int] | None:
    try:
        consumer, offset = _short_string(buffer, offset)
        tag, redelivered = _TAG_AND_BIT.unpack_from(buffer, offset)
        exchange, offset = _short_string(buffer, offset + _TAG_AND_BIT.size)
        key, offset = _short_string(buffer, offset)
    except (IndexError, struct.error, UnicodeDecodeError):
        return None
    return [consumer, tag, redelivered & 1 == 1, exchange, key], offset


def _short_string(buffer: bytes, offset: int) -> tuple[str, int]:
    end = offset + 1 + buffer[offset]
    return buffer[offset + 1 : end].decode("utf-8", "surrogatepass"), end
