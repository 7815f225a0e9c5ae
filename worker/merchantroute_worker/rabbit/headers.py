"""A message's headers, read the short way: py-amqp (5.4.2) asks of each value whether it is one of twenty kinds, and of
Celery's headers, which come with each order, nearly all are text or nothing.

What is not read here, py-amqp reads as it always does.
"""

import struct
from struct import Struct
from typing import Any

from amqp.serialization import _read_item

_SIZE = Struct(">I")
_TEXT, _NOTHING = ord("S"), ord("V")
FLAT = frozenset({str, int, bool, type(None)})
"""Values that no name can be in."""


class Headers(dict[str, Any]):
    """Headers that are known to have no name but text, at any depth."""

    __slots__ = ()


def headers(buffer: bytes, offset: int) -> tuple[Headers, int] | None:
    """The table that begins there and where it ends; None where py-amqp has to read it."""
    table = Headers()
    try:
        offset, end = offset + _SIZE.size, offset + _SIZE.size + _SIZE.unpack_from(buffer, offset)[0]
        while offset < end:
            value = offset + 1 + buffer[offset]
            name = buffer[offset + 1 : value].decode("utf-8", "surrogatepass")
            kind = buffer[value]
            if kind == _TEXT:
                begin = value + 1 + _SIZE.size
                offset = begin + _SIZE.unpack_from(buffer, value + 1)[0]
                table[name] = buffer[begin:offset].decode("utf-8", "surrogatepass")
            elif kind == _NOTHING:
                table[name], offset = None, value + 1
            else:
                table[name], offset = _read_item(buffer, value)
                if not _is_flat(table[name]):
                    return None
    except (IndexError, struct.error, UnicodeDecodeError):
        return None
    return table, offset


def _is_flat(value: Any) -> bool:
    """Whether no names can be in it."""
    return type(value) in FLAT or (type(value) is list and FLAT.issuperset(map(type, value)))
