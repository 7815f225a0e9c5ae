"""Bulk reads and writes: byte for byte what py-amqp would have read and written frame by frame."""

from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from struct import Struct
from typing import Any

import amqp
import pytest
from amqp import method_framing, serialization, spec
from amqp.exceptions import RecoverableConnectionError
from amqp.serialization import dumps
from hypothesis import given
from hypothesis import strategies as st

from merchantroute_worker.rabbit.frames import FrameWriter, fast_loads, use_bulk_io, write_acks
from merchantroute_worker.rabbit.headers import Headers
from merchantroute_worker.rabbit.non_utf8 import names_as_text, read_non_utf8
from tests.unit.worker.fuzz import FUZZ

SHORT = st.text(max_size=60)
HEAD = Struct(">BHI")
TAGS = (1, 2, 7, 2**40)


@dataclass
class Transport:
    """Takes what is written, a write each; gives what it was told to have received."""

    written: list[bytes] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    _read_buffer: bytes = b""
    sock: Any = "open"

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def _quick_recv(self, wanted: int) -> bytes:
        self.asked.append(wanted)
        return self.received.pop(0)

    def having_timeout(self, _timeout: float | None) -> Any:
        return nullcontext()

    def read_frame(self) -> Any:
        """The first frame of the next block of bytes, the rest of which stays in the buffer."""
        assert self.received, "nobody reads here"
        self._read_buffer += self.received.pop(0)
        kind, channel, size = HEAD.unpack_from(self._read_buffer)
        frame = self._read_buffer[: HEAD.size + size + 1]
        self._read_buffer = self._read_buffer[len(frame) :]
        return kind, channel, frame[HEAD.size : -1]


class Connection:
    """As much of an amqp.Connection as writing needs."""

    frame_max = 131_072
    bytes_sent = 0

    def __init__(self) -> None:
        self.transport = Transport()
        self.handled: list[Any] = []
        self.channels: dict[int, Any] = {}
        self.frame_writer: Any = method_framing.frame_writer(self, self.transport)

    def on_inbound_frame(self, frame: Any) -> bool:
        self.handled.append(frame)
        return len(self.handled) == 2

    def blocking_read(self, _timeout: float | None = None) -> bool:
        raise AssertionError("replaced by the way that is tested here")


@dataclass
class Channel:
    """An open channel."""

    connection: Connection | None
    channel_id: int = 3


@dataclass
class Message:
    """A delivered message."""

    delivery_tag: int


def test_each_order_has_its_own_ack_and_all_of_them_are_one_write() -> None:
    alone, together = Connection(), Connection()
    for tag in TAGS:
        alone.frame_writer(1, 3, spec.Basic.Ack, dumps("Lb", (tag, False)), None)
    use_bulk_io(together)

    write_acks(Channel(together), [Message(tag) for tag in TAGS])

    assert together.transport.written == [b"".join(alone.transport.written)]


def test_what_else_is_written_goes_the_same_way() -> None:
    connection = Connection()
    plain = Connection()
    writer = FrameWriter(connection)

    for write in (writer, plain.frame_writer):
        write(8, 0, None, None, None)

    assert connection.transport.written == plain.transport.written


def test_the_acks_of_a_channel_that_is_gone_are_an_error() -> None:
    with pytest.raises(RecoverableConnectionError):
        write_acks(Channel(None), [Message(1)])


def test_the_socket_is_asked_for_more_than_one_frame_s_part() -> None:
    connection = Connection()
    connection.transport.received = [b"x" * 100]
    use_bulk_io(connection)

    assert connection.transport._quick_recv(7) == b"x" * 100
    assert connection.transport.asked == [16384]


def test_frames_that_are_here_are_handled_without_asking_the_socket() -> None:
    connection = Connection()
    use_bulk_io(connection)
    frames = b"".join(
        HEAD.pack(kind, 3, len(body)) + body + b"\xce" for kind, body in ((1, b"ab"), (3, b""), (8, b"c"))
    )
    connection.transport._read_buffer = frames[:-1]

    assert [connection.blocking_read(), connection.blocking_read()] == [False, True]
    assert connection.handled == [(1, 3, b"ab"), (3, 3, b"")]
    with pytest.raises(AssertionError, match="nobody reads here"):
        connection.blocking_read()
    assert connection.transport._read_buffer == frames[-9:-1]


class Consuming(Connection):
    """A connection whose frames py-amqp puts together, with one channel that notes what is delivered on it."""

    frame_max = 64
    bytes_recv = 0

    def __init__(self) -> None:
        super().__init__()
        self.channels = {3: self}
        self.is_closing = False
        self.delivered: list[Any] = []
        self.ways: list[str] = []
        self._put_together = method_framing.frame_handler(self, self._deliver_the_long_way)

    def on_inbound_frame(self, frame: Any) -> bool:
        return bool(self._put_together(frame))

    def _deliver_the_long_way(self, _channel: int, method: Any, payload: bytes, content: Any) -> None:
        assert method == spec.Basic.Deliver
        arguments, _ = serialization.loads("sLbss", payload, 4)
        self._note("long", arguments, content)

    def _on_basic_deliver(self, *arguments: Any) -> None:
        self._note("short", arguments[:-1], arguments[-1])

    def _note(self, way: str, arguments: Any, content: Any) -> None:
        self.ways.append(way)
        self.delivered.append(([*arguments], content.body or b"", content.properties))


def frames_of(deliveries: list[tuple[list[Any], bytes, dict[str, Any]]]) -> bytes:
    """As a broker sends them: frames of at most 64 bytes, so that long bodies have several."""
    sender = Consuming()
    for arguments, body, properties in deliveries:
        content = amqp.Message(body, **properties)
        sender.frame_writer(1, 3, spec.Basic.Deliver, dumps("sLbss", arguments), content)
    return b"".join(sender.transport.written)


DELIVERIES = st.lists(
    st.tuples(
        st.tuples(st.just("ctag"), st.integers(1, 9), st.booleans(), st.just("door"), SHORT).map(list),
        st.binary(max_size=60) | st.integers(50, 150).map(bytes),
        st.fixed_dictionaries(
            {"correlation_id": SHORT, "delivery_mode": st.just(2)},
            optional={"application_headers": st.dictionaries(SHORT, SHORT | st.none(), max_size=3)},
        ),
    ),
    min_size=1,
    max_size=4,
)


@FUZZ
@given(DELIVERIES, st.integers(0, 300), st.booleans())
def test_deliveries_arrive_as_they_were_sent_whichever_way_their_frames_are_read(
    deliveries: list[tuple[list[Any], bytes, dict[str, Any]]], cut: int, closing: bool
) -> None:
    """Cut anywhere; a channel that is being closed leaves all to py-amqp."""
    read_non_utf8()
    frames, connection = frames_of(deliveries), Consuming()
    use_bulk_io(connection)
    connection.is_closing = closing
    for part in (frames[:cut], frames[cut:]):
        connection.transport._read_buffer += part
        with suppress(AssertionError):
            while True:
                connection.blocking_read()

    assert connection.delivered == deliveries
    assert connection.bytes_recv == count_of_frames(frames)
    assert not closing or set(connection.ways) == {"long"}


def count_of_frames(frames: bytes) -> int:
    count = 0
    while frames:
        count, frames = count + 1, frames[HEAD.size + HEAD.unpack_from(frames)[2] + 1 :]
    return count


def test_a_delivery_of_three_frames_is_read_the_short_way_and_at_once() -> None:
    deliveries: list[Any] = [(["ctag", tag, False, "door", "burger-hut"], b"[[], {}, {}]", {}) for tag in (1, 2)]
    connection = Consuming()
    use_bulk_io(connection)
    connection.transport._read_buffer = frames_of(deliveries)

    assert connection.blocking_read() is True
    assert (connection.delivered, connection.ways) == (deliveries, ["short", "short"])


def test_deliveries_that_come_in_one_block_are_read_the_short_way_and_at_once() -> None:
    deliveries: list[Any] = [(["ctag", tag, False, "door", "burger-hut"], b"[[], {}, {}]", {}) for tag in (1, 2, 3)]
    frames = frames_of(deliveries)
    connection = Consuming()
    use_bulk_io(connection)
    connection.transport.received = [frames[:-9]]

    assert connection.blocking_read() is True
    assert (connection.delivered, connection.ways) == (deliveries[:2], ["short", "short"])

    connection.transport._read_buffer += frames[-9:]
    assert connection.blocking_read() is True
    assert connection.delivered == deliveries


def test_nothing_is_read_of_a_connection_that_was_closed() -> None:
    connection = Connection()
    use_bulk_io(connection)
    connection.transport.sock = None

    with pytest.raises(RecoverableConnectionError, match="already closed"):
        connection.blocking_read()


def test_a_frame_that_does_not_end_as_frames_do_is_left_to_py_amqp() -> None:
    connection = Connection()
    use_bulk_io(connection)
    connection.transport._read_buffer = HEAD.pack(1, 3, 1) + b"a!"

    with pytest.raises(AssertionError, match="nobody reads here"):
        connection.blocking_read()


@FUZZ
@given(st.lists(SHORT, min_size=3, max_size=3), st.integers(0, 2**63 - 1), st.booleans(), st.binary(max_size=9))
def test_a_delivery_s_arguments_are_read_as_py_amqp_reads_them(
    texts: list[str], tag: int, redelivered: bool, before: bytes
) -> None:
    consumer, exchange, key = texts
    buffer = before + dumps("sLbss", [consumer, tag, redelivered, exchange, key])

    read = fast_loads(never)("sLbss", buffer, len(before))

    assert read == serialization.loads("sLbss", buffer, len(before))
    assert fast_loads(serialization.loads)("L", dumps("L", [tag]), 0) == ([tag], 8)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31) + 1, 2**31 - 1) | SHORT | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SHORT, inner, max_size=3),
    max_leaves=8,
)


@FUZZ
@given(st.dictionaries(SHORT | st.binary(max_size=9), VALUES, max_size=8), st.binary(max_size=9))
def test_headers_are_read_as_py_amqp_reads_them(headers: dict[Any, Any], before: bytes) -> None:
    buffer = before + dumps("F", [headers])

    (table,), end = fast_loads(serialization.loads)("F", buffer, len(before))

    assert ([table], end) == serialization.loads("F", buffer, len(before))
    assert names_as_text(table) == names_as_text({**table})


@FUZZ
@given(st.dictionaries(SHORT, VALUES, max_size=4), st.data())
def test_headers_that_are_cut_off_or_changed_are_whatever_py_amqp_makes_of_them(
    headers: dict[str, Any], data: st.DataObject
) -> None:
    whole = dumps("F", [headers])
    at, byte = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 255))
    for buffer in (whole[:at], whole[:at] + bytes([byte]) + whole[at + 1 :]):
        assert outcome(fast_loads(serialization.loads), buffer) == outcome(serialization.loads, buffer)


def test_what_celery_says_of_a_task_is_read_the_short_way() -> None:
    headers = {"task": "merchantroute.order", "eta": None, "retries": 0, "timelimit": [None, None]}

    (table,), _ = fast_loads(never)("F", dumps("F", [headers]), 0)

    assert table == headers
    assert type(table) is Headers
    assert names_as_text(table) is table


def outcome(read: Any, buffer: bytes) -> Any:
    try:
        return repr(read("F", buffer, 0))
    except Exception as error:  # noqa: BLE001 - whatever it is, it must be the same
        return type(error)


def never(*_arguments: Any) -> Any:
    raise AssertionError("the long way")
