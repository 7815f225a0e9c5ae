"""W3C trace context in a message's headers. Pure."""

from collections.abc import Mapping
from typing import Any

CONTEXT = ("traceparent", "tracestate")
_LONGEST = 512  # characters, the minimum that W3C asks for a tracestate


def context_of(headers: Mapping[str, Any]) -> Mapping[str, str]:
    """The trace context among the headers, if valid as HTTP headers; empty without one."""
    found = {name: headers[name] for name in CONTEXT if _fits(headers.get(name))}
    return found if "traceparent" in found else {}


def _fits(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and value.isascii() and value.isprintable()
