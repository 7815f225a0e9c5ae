"""Parses which merchants somebody holds or isolates by hand: annotations of the route, each with its end.

``merchantroute.dev/held-until: '{"burger-barn": "2027-01-31T18:00:00Z"}'`` gives a merchant no slot until then, and
``isolated-until`` an own queue; ``groups-held-until`` holds all merchants of a group. They end by themselves, so that
nobody has to think of it. Whoever may annotate the route writes them, so what cannot be read becomes a sentence and
counts for nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from merchantroute_operator.naming import (
    ANNOTATION_GROUPS_HELD_UNTIL,
    ANNOTATION_HELD_UNTIL,
    ANNOTATION_ISOLATED_UNTIL,
)

MOST = 100  # merchants of one annotation, or groups
LONGEST = 65_536  # characters of one annotation
_EXAMPLES = {
    "merchant": """write one like '{"burger-barn": "2027-01-31T18:00:00Z"}'""",
    "group": """write one like '{"pos.vendor.example": "2027-01-31T18:00:00Z"}'""",
}
_GROUP = re.compile(r"[a-z0-9](?:[-a-z0-9_.:]{0,251}[a-z0-9])?")  # as the definition has it


@dataclass(frozen=True, slots=True)
class ByHand:
    """Merchant -> epoch seconds at which it ends, in the past as well; ``held_groups`` has groups instead. ``problems``
    are sentences.
    """

    held: Mapping[str, float] = field(default_factory=dict)
    isolated: Mapping[str, float] = field(default_factory=dict)
    held_groups: Mapping[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def parse_by_hand(annotations: Mapping[str, str]) -> ByHand:
    """What the annotations of a route ask for; what of them is no merchant with a time is among ``problems``."""
    problems: list[str] = []
    held = _ends(annotations, ANNOTATION_HELD_UNTIL, problems)
    isolated = _ends(annotations, ANNOTATION_ISOLATED_UNTIL, problems)
    groups = _ends(annotations, ANNOTATION_GROUPS_HELD_UNTIL, problems, whose="group")
    return ByHand(held, isolated, groups, tuple(problems))


def _ends(
    annotations: Mapping[str, str], name: str, problems: list[str], *, whose: Literal["merchant", "group"] = "merchant"
) -> dict[str, float]:
    text, example = annotations.get(name), _EXAMPLES[whose]
    if text is None:
        return {}
    asked = _merchants(text)
    if asked is None:
        problems.append(f"annotation {name}: it is no JSON object of {whose}s and times; {example}")
        return {}
    if len(asked) > MOST:
        problems.append(f"annotation {name}: of its {len(asked)} {whose}s the first {MOST} count; remove some")
    ends: dict[str, float] = {}
    for merchant, until in list(asked.items())[:MOST]:
        end = _end(until)
        if not (_is_id(merchant) if whose == "merchant" else _GROUP.fullmatch(merchant)):
            what = "no merchant's id" if whose == "merchant" else "no name of a group"
            problems.append(f"annotation {name}: {_shown(merchant)} is {what}; {example}")
        elif isinstance(end, str):
            problems.append(f"annotation {name}: {_shown(merchant)}: {_shown(until)} {end}; {example}")
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
