"""Durations, moments and rates, as people write and read them. Pure; seconds, and seconds since the epoch."""

import re
from datetime import UTC, datetime

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[wdhms])+")
_RATE = re.compile(r"(\d+(?:\.\d+)?)(?:/([smh]))?")


def duration(text: str) -> float | None:
    """The seconds of `90s`, `2h`, `1d12h`; None for what is no duration."""
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)([wdhms])", text))


def moment(text: str, *, now: float) -> float:
    """The moment so long ago (`2h`), or an ISO 8601 one, without a zone in this machine's. ValueError says how."""
    ago = duration(text)
    if ago is not None:
        return now - ago
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text!r} is no time: write 2h (so long ago) or 2026-11-24T18:30:00+01:00") from None


def rate(text: str) -> float | None:
    """Orders per second of `50/s`, `3000/m`, `20`; None, no bound, for `max`. ValueError says how to write it."""
    if text == "max":
        return None
    found = _RATE.fullmatch(text)
    per_second = float(found[1]) / _UNITS[found[2] or "s"] if found else 0.0
    if per_second <= 0:
        raise ValueError(f"{text!r} is no rate: write 50/s, 600/m, or max for no bound")
    return per_second


def age(seconds: float) -> str:
    """So long, in its two largest units: `45s`, `12m30s`, `3h`, `2d4h`. What lies ahead is `0s`."""
    left, parts = max(0, round(seconds)), []
    for unit, size in list(_UNITS.items())[1:]:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
        elif parts:
            break
    return "".join(parts[:2]) or "0s"


def iso(moment: float) -> str:
    """ISO 8601 in UTC, to the second, wherever such a time exists."""
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{moment:g} s since 1970"
