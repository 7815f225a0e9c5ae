"""A pulse on the wire (``schema/pulse.json``), read strictly: a figure that is wrong would scale a lane."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from merchantroute_operator.isolation.model import GroupFigures, MerchantFigures
from merchantroute_operator.scaling.model import Blocked, Pulse

LARGEST = 2**20  # bytes; a pulse with all merchants that it may name, of 255 control characters each, has 0.8 of it
LARGEST_COUNT = 2**63 - 1
LONGEST_NAME = 256  # characters
LONGEST_MERCHANT = 255  # bytes: a routing key. Of a longer one no queue could be bound, nor told in the status
MOST_MERCHANTS = 200  # with figures; of a longer list the beginning counts, where the slow ones are
MOST_GROUPS = 100  # of merchants; of a longer list the beginning counts, where the largest are


def parse_pulse(body: bytes, *, at: float) -> Pulse | None:
    """The pulse received ``at`` (monotonic seconds), or None for what is none."""
    if len(body) > LARGEST:
        return None
    try:
        document = json.loads(body)
        return _pulse(document, at)
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError):
        return None


def _pulse(document: dict[str, Any], at: float) -> Pulse:
    return Pulse(
        pod=_text(document["pod"]),
        namespace=_text(document["namespace"]),
        route=_text(document["route"]),
        tier=_text(document["tier"]),
        lane=_text(document["lane"]),
        started=_count(document["started"]),
        at=at,
        generation=_count(document["generation"]),
        busy=_count(document["busy"]),
        busy_seconds=_number(document["busySeconds"]),
        finished=_count(document["finished"]),
        retried=_count(document["retried"]),
        dead=_count(document["dead"]),
        slow=frozenset(_text(entry["merchant"]) for entry in document["slow"]) if "slow" in document else frozenset(),
        paused=frozenset(_text(entry["merchant"]) for entry in document.get("paused", ())),
        credentials_refused=frozenset(_text(merchant) for merchant in document.get("credentialsRefused", ())),
        forbidden=frozenset(_text(merchant) for merchant in document.get("forbidden", ())),
        blocked=_blocked(document["blocked"]) if "blocked" in document else None,
        slots=max(1, _count(document["slots"])) if "slots" in document else None,
        active=_count(document.get("active", 0)),
        fair_share=_count(document.get("fairShare", 0)),
        merchants=_merchants(document.get("merchants", ())),
        groups=_groups(document.get("groups", ())),
        slow_merchants=_count(document.get("slowMerchants", 0)),
    )


def _merchants(listed: Sequence[Any]) -> dict[str, MerchantFigures]:
    found = (_figures(entry) for entry in listed[:MOST_MERCHANTS])
    return {figures.merchant: figures for figures in found}


def _figures(entry: dict[str, Any]) -> MerchantFigures:
    if not isinstance(entry["slow"], bool):
        raise TypeError("neither slow nor not slow")
    return MerchantFigures(
        merchant=_merchant(entry["merchant"]),
        in_flight=_count(entry["inFlight"]),
        slow=entry["slow"],
        refused=_count(entry["refused"]),
        succeeded=_count(entry["succeeded"]),
        failed=_count(entry["failed"]),
        group=_text(entry["group"]) if "group" in entry else "",
        limited=_count(entry.get("limited", 0)),
        paused_for=_number(entry.get("pausedFor", 0)),
    )


def _groups(listed: Sequence[Any]) -> dict[str, GroupFigures]:
    return {
        _text(entry["group"]): GroupFigures(_count(entry["active"]), _count(entry["slow"]), _count(entry["well"]))
        for entry in listed[:MOST_GROUPS]
    }


def _blocked(document: dict[str, Any]) -> Blocked:
    return Blocked(
        count=_count(document["count"]),
        longest=_number(document["longest"]),
        latest=_number(document["latest"]),
        ago=_number(document["ago"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
        raise TypeError("no name")
    value.encode()  # JSON can hold half a surrogate pair
    return value


def _merchant(value: object) -> str:
    if len(_text(value).encode()) > LONGEST_MERCHANT:
        raise TypeError("no merchant")
    return _text(value)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= LARGEST_COUNT:
        raise TypeError("no count")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= LARGEST_COUNT:
        raise TypeError("no number of seconds")
    return float(value)
