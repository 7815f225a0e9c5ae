r"""Text in a message that is no UTF-8, and bytes among its headers: what a producer wrote must be carried on as it is.

AMQP's short strings (a routing key, a `correlation_id`, a header's name) are UTF-8, and RabbitMQ hands on whatever
bytes a producer wrote. pamqp (4.0.1) raises amid a frame then, and the connection ends: one such message would keep all
that is left in its queue from being moved. And of what it reads as bytes it cannot write all. Here such text is read
byte by byte, as Python does it with file names, and knows its bytes when it is written again.
"""

from collections.abc import Callable
from typing import Any

from pamqp import decode

_ESCAPE = "surrogateescape"


class NonUtf8Text(str):
    """Text whose bytes are no UTF-8."""

    __slots__ = ()

    def __str__(self) -> str:
        """Itself: aio-pika asks for it, and a copy would not know its bytes."""
        return self

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """The bytes that it was read from."""
        del errors
        return super().encode(encoding, _ESCAPE)


class _Bytes(bytes):
    """Bytes of a frame of which any part can be decoded."""

    def __getitem__(self, part: Any) -> Any:
        found = super().__getitem__(part)
        return _Bytes(found) if isinstance(found, bytes) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """As `bytes.decode`, but where that would raise."""
        try:
            return super().decode(encoding, errors)
        except UnicodeDecodeError:
            return NonUtf8Text(super().decode(encoding, _ESCAPE))


def readable() -> None:
    """Let pamqp read such text, in this process. More than once is no harm."""
    for kind in ("shortstr", "table"):
        if not isinstance(decode.METHODS[kind], _Twice):
            decode.METHODS[kind] = _Twice(decode.METHODS[kind])


class _Twice:
    """A reader of pamqp's, with a second try for strange text."""

    def __init__(self, read: Callable[[bytes], tuple[int, Any]]) -> None:
        self._read = read

    def __call__(self, value: bytes) -> tuple[int, Any]:
        try:
            return self._read(value)
        except UnicodeDecodeError:
            return self._read(_Bytes(value))


def writable(value: Any) -> Any:
    """A header's value, or all headers, as pamqp can write them: bytes are text of the same bytes, at any depth."""
    if isinstance(value, dict):
        return {name: writable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [writable(inner) for inner in value]
    return NonUtf8Text(value.decode("utf-8", _ESCAPE)) if isinstance(value, bytes) else value
