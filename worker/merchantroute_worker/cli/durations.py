"""Parses and formats durations, times and rates. Pure; values are seconds, and seconds since the epoch."""

import re
from datetime import UTC, datetime

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[wdhms])+")
_RATE = re.compile(r"(\d+(?:\.\d+)?)(?:/([smh]))?")


def duration(text: str) -> float | None:
    """Parse `90s`, `2h`, `1d12h` to seconds; None for any other text."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)([wdhms])", text))


def moment(text: str, *, now: float) -> float:
    """Parse `2h`, meaning so long ago, or an ISO 8601 time, by default in the local zone. ValueError says how."""
    ago = duration(text)
    if ago is not None:
        return now - ago
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text!r} is no time: write 2h (so long ago) or 2026-11-24T18:30:00+01:00") from None


def rate(text: str) -> float | None:
    """Parse `50/s`, `3000/m`, `20` to orders a second; None, without a limit, for `max`. ValueError says how."""
    if text == "max":
        return None
    found = _RATE.fullmatch(text)
    per_second = float(found[1]) / _UNITS[found[2] or "s"] if found else 0.0
    if per_second <= 0:
        raise ValueError(f"{text!r} is no rate: write 50/s, 600/m, or max for no bound")
    return per_second


def age(seconds: float) -> str:
    """Format seconds in their two largest units: `45s`, `12m30s`, `3h`, `2d4h`; `0s` for a negative number."""
    left, parts = max(0, round(seconds)), []
    for unit, size in list(_UNITS.items())[1:]:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
        elif parts:
            break
    return "".join(parts[:2]) or "0s"


def iso(moment: float) -> str:
    """Format as ISO 8601 in UTC, to the second; as a number where the calendar has no such time."""
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{moment:g} s since 1970"
