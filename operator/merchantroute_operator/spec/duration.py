"""Durations as Go writes them ("500ms", "1m30s"), which is also what CEL's ``duration()`` accepts."""

from __future__ import annotations

import re

from merchantroute_operator.spec.invalid import SpecInvalid

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


def seconds(text: str, field: str = "duration") -> float:
    """Seconds of a Go duration; ``SpecInvalid`` (naming ``field``) for anything else, and for negative ones."""
    rest = text.removeprefix("+")
    if rest == "0":
        return 0.0
    parts = list(_PART.finditer(rest))
    if not parts or "".join(part.group() for part in parts) != rest:
        raise SpecInvalid(f'{field}: "{text}" is not a duration; write it like "500ms", "10s" or "1m30s"')
    # Rounded to a nanosecond, so that "0.1s" and "100ms" are one number.
    return round(sum(float(part[1]) * _UNITS[part[2]] for part in parts), 9)
