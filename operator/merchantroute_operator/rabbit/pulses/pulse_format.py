"""A pulse on the wire (``schema/pulse.json``), read strictly: a figure that is wrong would scale a lane."""

from __future__ import annotations

import json
from typing import Any

from merchantroute_operator.scaling.model import Blocked, Pulse


def parse_pulse(body: bytes, *, at: float) -> Pulse | None:
    """The pulse received ``at`` (monotonic seconds), or None for what is none."""
    try:
        told = json.loads(body)
        return _pulse(told, at)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _pulse(told: dict[str, Any], at: float) -> Pulse:
    return Pulse(
        pod=_text(told["pod"]),
        namespace=_text(told["namespace"]),
        route=_text(told["route"]),
        tier=_text(told["tier"]),
        lane=_text(told["lane"]),
        started=_count(told["started"]),
        at=at,
        generation=_count(told["generation"]),
        slots=_count(told["slots"]),
        busy=_count(told["busy"]),
        busy_seconds=_number(told["busySeconds"]),
        taken=_count(told["taken"]),
        finished=_count(told["finished"]),
        refused=_count(told["refused"]),
        retried=_count(told["retried"]),
        dead=_count(told["dead"]),
        slow=tuple(_text(merchant["merchant"]) for merchant in told["slow"]),
        blocked=_blocked(told["blocked"]) if "blocked" in told else None,
    )


def _blocked(told: dict[str, Any]) -> Blocked:
    return Blocked(
        count=_count(told["count"]),
        longest=_number(told["longest"]),
        latest=_number(told["latest"]),
        ago=_number(told["ago"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("no name")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("no count")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < float("inf"):
        raise TypeError("no number of seconds")
    return float(value)
