"""A fast parser of AMQP header tables. Any other type of value is left to py-amqp.

py-amqp (5.4.2) compares the type of each value with up to twenty; nearly all of Celery's headers, which come with each
order, are long strings, void or whole numbers.
"""

import struct
from struct import Struct
from typing import Any

from amqp.serialization import _read_item

_SIZE = Struct(">I")
_LONG_STRING, _VOID, _ARRAY = ord("S"), ord("V"), ord("A")
_INTEGERS = {ord("I"): Struct(">i"), ord("l"): Struct(">q"), ord("L"): Struct(">q")}
FLAT = frozenset({str, int, bool, type(None)})
"""Types of values that contain no names."""


class Headers(dict[str, Any]):
    """Headers of which all names, at any depth, are known to be text."""

    __slots__ = ()


def headers(buffer: bytes, offset: int) -> tuple[Headers, int] | None:
    """Parse the table at `offset`, and give it with the offset of its end; None where py-amqp has to parse it."""
    table = Headers()
    try:
        size_of = _SIZE.unpack_from
        offset, end = offset + 4, offset + 4 + size_of(buffer, offset)[0]
        while offset < end:
            value = offset + 1 + buffer[offset]
            name = buffer[offset + 1 : value].decode("utf-8", "surrogatepass")
            kind = buffer[value]
            if kind == _LONG_STRING:
                offset = value + 5 + size_of(buffer, value + 1)[0]
                table[name] = buffer[value + 5 : offset].decode("utf-8", "surrogatepass")
            elif kind == _VOID:
                table[name], offset = None, value + 1
            elif integer := _INTEGERS.get(kind):
                (table[name],) = integer.unpack_from(buffer, value + 1)
                offset = value + 1 + integer.size
            elif kind == _ARRAY and (voids := _voids(buffer, value + 1)) is not None:
                table[name], offset = [None] * voids, value + 5 + voids
            else:
                table[name], offset = _read_item(buffer, value)
                if not _is_flat(table[name]):
                    return None
    except (IndexError, struct.error, UnicodeDecodeError):
        return None
    return table, offset


def _voids(buffer: bytes, offset: int) -> int | None:
    """The length of the array at `offset` if it holds voids alone, as Celery's `timelimit` does in nearly all tasks."""
    (size,) = _SIZE.unpack_from(buffer, offset)
    values = buffer[offset + 4 : offset + 4 + size]
    return size if len(values) == size and not values.strip(b"V") else None


def _is_flat(value: Any) -> bool:
    """Whether the value contains no names. Celery sends an empty table with each task (`stamps`)."""
    return type(value) in FLAT or value == {} or (type(value) is list and FLAT.issuperset(map(type, value)))
