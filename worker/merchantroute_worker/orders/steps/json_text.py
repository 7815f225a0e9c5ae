"""JSON from outside, parsed so that no document can do harm, and values as text."""

import json
from typing import Any


class NotJson(ValueError):
    """The bytes are no JSON that can be used; the text says why, and nothing of what they hold."""


def read_json(data: bytes) -> Any:
    """Parse a document; its numbers with a fraction or an exponent become doubles."""
    try:
        return json.loads(data, parse_constant=_constant)
    except RecursionError:
        raise NotJson("it is nested too deeply") from None
    except ValueError:  # also of bytes that are no text, and of a number with too many digits
        raise NotJson("it is no JSON") from None


def write_json(value: Any) -> bytes:
    """Write a value as compact JSON. ValueError where it has no such form: a number beyond a double's range."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def scalar_text(value: Any) -> str | None:
    """A text, a number or a boolean as text, as JSON writes it; None for null, lists and objects."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, dict | list):
        return None
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:  # infinity, from a number such as 1e999
        return None


def _constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity, which Python reads and JSON does not have
