"""Edits the annotations that hold or isolate merchants of a route by hand: JSON of merchant -> RFC 3339 end. Pure.

The operator reads them the same way. A merchant stands in one of the two at most, and ends that have passed are dropped
whenever somebody writes, so that the annotations stay small.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from merchantroute_worker.cli.durations import iso
from merchantroute_worker.cli.errors import Problem

HELD, ISOLATED = "merchantroute.dev/held-until", "merchantroute.dev/isolated-until"
MOST = 100  # merchants of one annotation; the operator counts no more
LONGEST = 365 * 86_400.0  # seconds
_BYTES = 255

Annotations = Mapping[str, str]


def checked_merchant(merchant: str) -> str:
    """The id, where an order can have it as its routing key. Problem says what is wrong."""
    try:
        size = len(merchant.encode())
    except UnicodeEncodeError:
        raise Problem("the merchant's id is no text in UTF-8") from None
    if not 0 < size <= _BYTES:
        raise Problem(f"a merchant's id has 1 to {_BYTES} bytes in UTF-8, this one {size}")
    return merchant


def asked(annotations: Annotations, merchant: str, kind: str, until: float, now: float) -> dict[str, str | None]:
    """What to write so that ``merchant`` is of ``kind`` (HELD or ISOLATED) until then; None for one to remove.

    Times are seconds since the epoch. Problem where an annotation cannot be read, or has too many merchants.
    """
    other = ISOLATED if kind == HELD else HELD
    mine = {**_read(annotations, kind, now), merchant: iso(until)}
    if len(mine) > MOST:
        raise Problem(f"{kind} has {len(mine) - 1} merchants already, and {MOST} at most: release one first")
    return _changes(annotations, {kind: mine, other: _without(annotations, other, merchant, now)})


def released(annotations: Annotations, merchant: str, now: float) -> dict[str, str | None]:
    """What to write so that ``merchant`` is neither held nor isolated by hand; empty where it is not."""
    if not any(merchant in _read(annotations, kind, now) for kind in (HELD, ISOLATED)):
        return {}
    return _changes(annotations, {kind: _without(annotations, kind, merchant, now) for kind in (HELD, ISOLATED)})


def ends(annotations: Annotations, now: float) -> dict[str, tuple[str, str]]:
    """Merchant -> ("held" | "isolated", until when as written), of those that have not ended and can be read."""
    found: dict[str, tuple[str, str]] = {}
    for kind, word in ((ISOLATED, "isolated"), (HELD, "held")):
        try:
            entries = _read(annotations, kind, now)
        except Problem:
            continue
        found.update((merchant, (word, until)) for merchant, until in entries.items() if _end(until) is not None)
    return found


def _without(annotations: Annotations, kind: str, merchant: str, now: float) -> dict[str, Any]:
    return {each: until for each, until in _read(annotations, kind, now).items() if each != merchant}


def _read(annotations: Annotations, kind: str, now: float) -> dict[str, Any]:
    """Those whose end is to come, and those that are no time, which are not ours to remove."""
    text = annotations.get(kind)
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Problem(
            f"annotation {kind} of the route is no JSON object: correct it, or remove it with `kubectl annotate`"
        )
    return {merchant: until for merchant, until in found.items() if (end := _end(until)) is None or now < end}


def _end(until: object) -> float | None:
    try:
        time = datetime.fromisoformat(until) if isinstance(until, str) else None
        return None if time is None or time.tzinfo is None else time.timestamp()
    except (ValueError, OverflowError):
        return None


def _changes(annotations: Annotations, wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, str | None]:
    """Only what differs from what is there."""
    texts = {kind: json.dumps(entries, ensure_ascii=False) if entries else None for kind, entries in wanted.items()}
    return {kind: text for kind, text in texts.items() if text != annotations.get(kind)}
