r"""Reads AMQP text that is not UTF-8, so that such a message fails alone.

AMQP's short strings (an order's `correlation_id`, a routing key, a header's name) are UTF-8, and RabbitMQ delivers
whatever bytes a producer wrote. py-amqp (5.4.2) then raises UnicodeDecodeError in the middle of a frame: the consumer
has to reconnect, the message is redelivered with all that were in its prefetch, and so on until its 50th delivery.

Here such text is read with the undecodable bytes as escapes, `\xff`, and has a type of its own. py-amqp reads every
message first as it always does; only what it cannot read is read again, from bytes whose `decode` does not raise.
"""

from collections.abc import Callable, Mapping
from typing import Any

from amqp import abstract_channel, serialization, spec

from merchantroute_worker.rabbit.frames import fast_loads
from merchantroute_worker.rabbit.headers import FLAT, Headers

_ESCAPE = "backslashreplace"


class NonUtf8Text(str):
    """Text whose bytes were not UTF-8; those that are not are escapes."""

    __slots__ = ()


class _Bytes(bytes):
    """Bytes of a frame, of which every slice can be decoded."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return _Bytes(found) if isinstance(found, bytes) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Decode as `bytes.decode` does; with escapes where that would raise."""
        try:
            return super().decode(encoding, errors)
        except UnicodeDecodeError:
            return NonUtf8Text(super().decode(encoding, _ESCAPE))


def read_non_utf8() -> None:
    """Patch py-amqp, in this process, so that it reads such text. Idempotent."""
    readers = serialization.PROPERTY_CLASSES
    if isinstance(readers[spec.Basic.CLASS_ID], _WithFallback):
        return
    # A message's properties, headers among them, and the arguments of a method: the routing key is one of them.
    readers[spec.Basic.CLASS_ID] = _WithFallback(readers[spec.Basic.CLASS_ID])
    abstract_channel.loads = fast_loads(_WithFallback(serialization.loads))
    serialization.loads = fast_loads(serialization.loads)


class _WithFallback:
    """A reader of py-amqp's, `(…, buffer, offset)` giving `(value, offset)`, with a second try for other text."""

    def __init__(self, read: Callable[..., Any]) -> None:
        self._read = read

    def __call__(self, *arguments: Any) -> Any:
        try:
            return self._read(*arguments)
        except UnicodeDecodeError:
            *before, buffer, offset = arguments
            return self._read(*before, _Bytes(buffer), offset)


def non_utf8_fields(*, routing_key: Any, properties: Mapping[str, Any], headers: Mapping[Any, Any]) -> str:
    """Name the fields of a message whose text is not UTF-8; empty where all is. Values of headers may be any bytes."""
    if type(headers) is Headers and NonUtf8Text not in map(type, (routing_key, *properties.values())):
        return ""
    fields = {"routing key": routing_key, **properties}
    found = [name for name, value in fields.items() if isinstance(value, NonUtf8Text)]
    return ", ".join([*found, *(["a header's name"] if any(map(_is_non_utf8, headers)) else [])])


def names_as_text(table: Any) -> Any:
    """Give headers, or the value of one, with every name as text, at any depth; py-amqp leaves some as bytes."""
    if type(table) is Headers:
        return table
    if isinstance(table, Mapping):
        return {
            name if type(name) is str else _name(name): value if type(value) in FLAT else names_as_text(value)
            for name, value in table.items()
        }
    return [names_as_text(value) for value in table] if isinstance(table, list) else table


def _is_non_utf8(name: Any) -> bool:
    return isinstance(name, bytes | NonUtf8Text)


def _name(name: Any) -> str:
    return name.decode("utf-8", _ESCAPE) if isinstance(name, bytes) else str(name)
