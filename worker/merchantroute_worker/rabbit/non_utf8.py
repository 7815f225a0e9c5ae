r"""Text in a message that is no UTF-8: it must cost its own message, and no other.

AMQP's short strings (an order's `correlation_id`, a routing key, a header's name) are UTF-8, and RabbitMQ hands on
whatever bytes a producer wrote. py-amqp (5.4.2) raises UnicodeDecodeError amid a frame then: the consumer has to start
again, the message comes back with all that were with it, and so on until its 50th delivery.

Here such text is read with its strange bytes written as escapes, `\xff`, and is known by its type. py-amqp reads every
message first as it always does; only what it cannot read is read again, from bytes that decode themselves so.
"""

from collections.abc import Callable, Mapping
from typing import Any

from amqp import abstract_channel, serialization, spec

from merchantroute_worker.rabbit.frames import quick
from merchantroute_worker.rabbit.headers import FLAT, Headers

_ESCAPE = "backslashreplace"


class StrangeText(str):
    """Text whose bytes were no UTF-8, with those written as escapes."""

    __slots__ = ()


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
            return StrangeText(super().decode(encoding, _ESCAPE))


def readable() -> None:
    """Let py-amqp read such text, in this process. More than once is no harm."""
    readers = serialization.PROPERTY_CLASSES
    if isinstance(readers[spec.Basic.CLASS_ID], _Twice):
        return
    # A message's properties, headers among them, and the arguments of a method: the routing key is one of them.
    readers[spec.Basic.CLASS_ID] = _Twice(readers[spec.Basic.CLASS_ID])
    abstract_channel.loads = quick(_Twice(serialization.loads))
    serialization.loads = quick(serialization.loads)


class _Twice:
    """A reader of py-amqp's, `(…, buffer, offset)` giving `(value, offset)`, with a second try for strange text."""

    def __init__(self, read: Callable[..., Any]) -> None:
        self._read = read

    def __call__(self, *arguments: Any) -> Any:
        try:
            return self._read(*arguments)
        except UnicodeDecodeError:
            *before, buffer, offset = arguments
            return self._read(*before, _Bytes(buffer), offset)


def strange(*, routing_key: Any, properties: Mapping[str, Any], headers: Mapping[Any, Any]) -> str:
    """Where a message has such text, in words; empty where it has none. Values of headers may be any bytes."""
    if type(headers) is Headers and StrangeText not in map(type, (routing_key, *properties.values())):
        return ""
    named = {"routing key": routing_key, **properties}
    found = [name for name, value in named.items() if isinstance(value, StrangeText)]
    return ", ".join([*found, *(["a header's name"] if any(map(_is_strange, headers)) else [])])


def named(table: Any) -> Any:
    """A header's value, or all headers, with names that are text, at any depth."""
    if type(table) is Headers:
        return table
    if isinstance(table, Mapping):
        return {
            name if type(name) is str else _name(name): value if type(value) in FLAT else named(value)
            for name, value in table.items()
        }
    return [named(value) for value in table] if isinstance(table, list) else table


def _is_strange(name: Any) -> bool:
    return isinstance(name, bytes | StrangeText)


def _name(name: Any) -> str:
    return name.decode("utf-8", _ESCAPE) if isinstance(name, bytes) else str(name)
