"""Two messages read and acked over a socket pair, the way the worker does it: below py-amqp's interface, for speed.

A part of py-amqp or kombu that is no longer what it was may raise nothing at all: frames that were read ahead are then
never seen, acks are not understood. Here that shows in milliseconds, before an order is taken.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import amqp
import kombu
from amqp import Message, method_framing, spec
from amqp.serialization import dumps
from amqp.transport import TCPTransport
from kombu.transport import pyamqp

from merchantroute_worker.options import CannotStart
from merchantroute_worker.rabbit.confirms import Confirms
from merchantroute_worker.rabbit.frames import use_bulk_io, write_acks
from merchantroute_worker.rabbit.non_utf8 import read_non_utf8
from merchantroute_worker.rabbit.publish_channel import PublishChannel
from merchantroute_worker.rabbit.shared_connection.reader import ConnectionReader

_METHOD = 1
_CONSUMES, _PUBLISHES = 1, 2  # numbers of channels
_CONSUMER, _KEY = "self-test", "burger-hut"
_HEADERS = {"task": "merchantroute.order", "id": "order-1", "retries": 0, "eta": None, "timelimit": [30, None]}
_BODY = b"[[], {}, {}]"
_TAGS = [1, 2]
_MOST_READS = 20
_PATIENCE = 2.0  # seconds, where everything is there already


def check() -> None:
    """Read and ack as a pod does; CannotStart where anything comes out otherwise."""
    try:
        read_non_utf8()
        with _connected() as (connection, broker):
            _read_and_ack(connection, broker)
    except Exception as error:
        raise CannotStart(
            f"py-amqp {amqp.__version__} and kombu {kombu.__version__} do not read and write messages as this worker "
            f"needs it ({type(error).__name__}: {error}): install the versions of the worker's image"
        ) from error


class _Broker:
    """The other end: py-amqp's own writer on it, and what it has received."""

    frame_max = 131_072
    bytes_sent = 0

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.write = sock.sendall
        self._frame = method_framing.frame_writer(self, self)

    def say(self, channel: int, method: Any, form: str = "", *values: Any, content: Any = None) -> None:
        self._frame(_METHOD, channel, method, dumps(form, values), content)

    def received(self, after: Callable[[], None]) -> bytes:
        """What the client writes in `after`, and nothing from before."""
        self._socket.setblocking(False)
        try:
            while self._socket.recv(65_536):
                pass
        except BlockingIOError:
            self._socket.settimeout(_PATIENCE)
        after()
        return self._socket.recv(65_536)


class _Pair(TCPTransport):
    """A transport over one end of a socket pair, which is connected from the beginning."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(_CONSUMER)
        self.sock = sock

    def connect(self) -> None:
        self._setup_transport()
        self.connected = True


class _Connection(pyamqp.Connection):
    """kombu's connection over such a transport."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(login_method="PLAIN", connect_timeout=_PATIENCE)
        self._pair = _Pair(sock)

    def Transport(self, *_: Any, **__: Any) -> Any:  # noqa: N802 - as py-amqp names it
        return self._pair


@contextmanager
def _connected() -> Iterator[tuple[Any, _Broker]]:
    ours, other = socket.socketpair()
    ours.settimeout(_PATIENCE)  # a part that drops what was read ahead would wait for it without an end
    with ours, other:
        broker = _Broker(other)
        broker.say(0, spec.Connection.Start, "ooFSS", 0, 9, {}, "PLAIN", "en_US")
        broker.say(0, spec.Connection.Tune, "BlB", 8, broker.frame_max, 0)
        broker.say(0, spec.Connection.OpenOk)
        connection = _Connection(ours)
        connection.connect()
        yield connection, broker


def _read_and_ack(connection: Any, broker: _Broker) -> None:
    for number in (_CONSUMES, _PUBLISHES):
        broker.say(number, spec.Channel.OpenOk, "L", 0)
    consuming = connection.channel(_CONSUMES)
    publishing = PublishChannel.opened(connection, Confirms(), confirm=False)
    use_bulk_io(connection)
    messages: list[Any] = []
    consuming.basic_consume(
        "lane", _CONSUMER, nowait=True, callback=lambda raw: messages.append(consuming.message_to_python(raw))
    )
    for tag in _TAGS:
        content = Message(_BODY, content_type="application/json", application_headers=_HEADERS)
        broker.say(_CONSUMES, spec.Basic.Deliver, "sLbss", _CONSUMER, tag, False, "door", _KEY, content=content)
    broker.say(_PUBLISHES, spec.Channel.Close, "BsBB", 404, "no exchange", 0, 0)
    reader = ConnectionReader(connection)
    for _ in range(_MOST_READS):
        reader.read(0)

    _expect("frames read ahead", [message.delivery_tag for message in messages], _TAGS)
    _expect("the close of a publishing channel", publishing.closed, (404, "no exchange"))
    message = messages[0]
    read = (message.body, message.headers, message.delivery_info["routing_key"], message.acknowledged)
    _expect("a message", read, (_BODY, _HEADERS, _KEY, False))
    message._state = "ACK"  # noqa: SLF001 - as an ack that is written for it leaves it
    _expect("a message that is acked", message.acknowledged, True)
    acks = broker.received(lambda: write_acks(consuming, messages))
    _expect("acks", acks, _acks(connection))


def _acks(connection: Any) -> bytes:
    """As py-amqp itself writes them."""
    written: list[bytes] = []

    class Kept:
        frame_max = connection.frame_max
        bytes_sent = 0
        write = staticmethod(lambda frame: written.append(bytes(frame)))

    one = method_framing.frame_writer(Kept, Kept)
    for tag in _TAGS:
        one(_METHOD, _CONSUMES, spec.Basic.Ack, dumps("Lb", (tag, False)), None)
    return b"".join(written)


def _expect(what: str, found: Any, wanted: Any) -> None:
    if found != wanted:
        raise ValueError(f"{what}: {found!r} instead of {wanted!r}")
