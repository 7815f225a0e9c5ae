"""Edits the annotations that hold or isolate merchants of a route by hand: JSON of merchant -> RFC 3339 end. Pure.

The operator reads them the same way. A merchant stands in one of the two at most, and a third holds whole groups. Ends
that have passed are dropped whenever somebody writes, so that the annotations stay small.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from merchantroute_worker.cli.durations import iso
from merchantroute_worker.cli.errors import Problem

HELD, ISOLATED = "merchantroute.dev/held-until", "merchantroute.dev/isolated-until"
GROUPS_HELD = "merchantroute.dev/groups-held-until"
OF_MERCHANTS = (HELD, ISOLATED)
MOST = 100  # merchants of one annotation, or groups; the operator counts no more
LONGEST = 365 * 86_400.0  # seconds
_BYTES = 255
_GROUP = re.compile(r"[a-z0-9](?:[-a-z0-9_.:]{0,251}[a-z0-9])?")  # as the definition has it

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


def checked_group(group: str) -> str:
    """The name, where a group can have it. Problem says what is wrong."""
    if not _GROUP.fullmatch(group):
        raise Problem(
            "a group is the host of its merchants' endpoints or what their `group` says: 1 to 253 lower-case letters, "
            "digits, '-', '_', '.' and ':', without scheme and port"
        )
    return group


def asked(annotations: Annotations, merchant: str, kind: str, until: float, now: float) -> dict[str, str | None]:
    """What to write so that ``merchant`` is of ``kind`` (HELD or ISOLATED) until then; None for one to remove. Of
    GROUPS_HELD it is a group.

    Times are seconds since the epoch. Problem where an annotation cannot be read, or has too many merchants.
    """
    mine = {**_read(annotations, kind, now), merchant: iso(until)}
    if len(mine) > MOST:
        whose = "groups" if kind == GROUPS_HELD else "merchants"
        raise Problem(f"{kind} has {len(mine) - 1} {whose} already, and {MOST} at most: release one first")
    others = () if kind == GROUPS_HELD else (other for other in OF_MERCHANTS if other != kind)
    return _changes(annotations, {kind: mine, **{each: _without(annotations, each, merchant, now) for each in others}})


def released(
    annotations: Annotations, merchant: str, now: float, kinds: Sequence[str] = OF_MERCHANTS
) -> dict[str, str | None]:
    """What to write so that ``merchant`` is neither held nor isolated by hand; empty where it is not. With
    GROUPS_HELD alone among ``kinds`` it is a group.
    """
    if not any(merchant in _read(annotations, kind, now) for kind in kinds):
        return {}
    return _changes(annotations, {kind: _without(annotations, kind, merchant, now) for kind in kinds})


def groups_held(annotations: Annotations, now: float) -> dict[str, str]:
    """Group -> until when it is held, as written, of those that have not ended and can be read."""
    try:
        found = _read(annotations, GROUPS_HELD, now)
    except Problem:
        return {}
    return {group: until for group, until in sorted(found.items()) if _end(until) is not None}


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
