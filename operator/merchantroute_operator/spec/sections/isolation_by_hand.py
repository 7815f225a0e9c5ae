"""Parses which merchants somebody holds or isolates by hand: annotations of the route, each with its end.

``merchantroute.dev/held-until: '{"burger-barn": "2027-01-31T18:00:00Z"}'`` gives a merchant no slot until then, and
``isolated-until`` an own queue. They end by themselves, so that nobody has to think of it. Whoever may annotate the
route writes them, so what cannot be read becomes a sentence and counts for nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from merchantroute_operator.naming import ANNOTATION_HELD_UNTIL, ANNOTATION_ISOLATED_UNTIL

MOST = 100  # merchants of one annotation
LONGEST = 65_536  # characters of one annotation
_EXAMPLE = """write one like '{"burger-barn": "2027-01-31T18:00:00Z"}'"""


@dataclass(frozen=True, slots=True)
class ByHand:
    """Merchant -> epoch seconds at which it ends, in the past as well; ``problems`` are sentences."""

    held: Mapping[str, float] = field(default_factory=dict)
    isolated: Mapping[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def parse_by_hand(annotations: Mapping[str, str]) -> ByHand:
    """What the annotations of a route ask for; what of them is no merchant with a time is among ``problems``."""
    problems: list[str] = []
    held = _ends(annotations, ANNOTATION_HELD_UNTIL, problems)
    isolated = _ends(annotations, ANNOTATION_ISOLATED_UNTIL, problems)
    return ByHand(held, isolated, tuple(problems))


def _ends(annotations: Mapping[str, str], name: str, problems: list[str]) -> dict[str, float]:
    text = annotations.get(name)
    if text is None:
        return {}
    asked = _merchants(text)
    if asked is None:
        problems.append(f"annotation {name}: it is no JSON object of merchants and times; {_EXAMPLE}")
        return {}
    if len(asked) > MOST:
        problems.append(f"annotation {name}: of its {len(asked)} merchants the first {MOST} count; remove some")
    ends: dict[str, float] = {}
    for merchant, until in list(asked.items())[:MOST]:
        end = _end(until)
        if not _is_id(merchant):
            problems.append(f"annotation {name}: {_shown(merchant)} is no merchant's id; {_EXAMPLE}")
        elif isinstance(end, str):
            problems.append(f"annotation {name}: {_shown(merchant)}: {_shown(until)} {end}; {_EXAMPLE}")
        else:
            ends[merchant] = end
    return ends


def _merchants(text: str) -> dict[str, Any] | None:
    if len(text) > LONGEST:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_id(merchant: str) -> bool:
    """Whether an order's routing key can say it: JSON may hold half of a surrogate pair, which UTF-8 cannot."""
    try:
        return 0 < len(merchant.encode()) <= 255
    except UnicodeEncodeError:
        return False


def _end(until: object) -> float | str:
    """Epoch seconds, or what is wrong."""
    if not isinstance(until, str):
        return "is no time"
    try:
        time = datetime.fromisoformat(until)
        if time.tzinfo is None:
            return "has no time zone"
        return time.timestamp()
    except (ValueError, OverflowError):
        return "is no time"


def _shown(value: object) -> str:
    text = str(value).encode(errors="backslashreplace").decode()
    return f"'{text}'" if len(text) <= 60 else f"'{text[:59]}…'"
