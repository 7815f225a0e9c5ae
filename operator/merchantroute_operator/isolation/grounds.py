"""Why a merchant needs a queue of its own, in words, and which of them come first where there is not room for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from merchantroute_operator.isolation.conviction import Figures
from merchantroute_operator.isolation.history import Past
from merchantroute_operator.isolation.model import OwnQueue, Policy, Why

WINDOW = 10.0
"""Seconds over which refused orders are counted."""
REFUSED_AT_LEAST = 20
REFUSED_SHARE = 0.3
"""Orders refused within the window that are worth a queue: so many, or so many for each slot of the tier. What healthy
merchants are refused in passing is fewer (see docs/benchmarks/isolation-simulation.md).
"""
_FIRST: Mapping[Why, int] = {"Held": 0, "Limited": 1, "Pinned": 2, "Slow": 3, "RateLimited": 4, "Refused": 5}
_OF_GROUP, _NO_GROUND = 6, 7


@dataclass(frozen=True, slots=True)
class Ground:
    """One reason for an own queue; ``weight`` compares merchants that have the same.

    ``besides`` is another reason, of higher rank, that the merchant has as well. ``of_group``: its group fails; of such
    merchants who has a queue keeps it, seen to be slow or not.
    """

    why: Why
    words: str
    weight: float = 0.0
    besides: Why | None = None
    of_group: bool = False


def in_failing_group(found: Ground | None, merchant: str, group: str, policy: Policy) -> Ground | None:
    """The reason that a merchant has in a group that fails: its own, or that of the group."""
    if merchant in policy.exempt or (found is not None and (found.besides or found.why not in {"Slow", "Refused"})):
        return found
    if found is not None and found.why == "Slow":
        return replace(found, of_group=True)
    return Ground("Slow", f"{group} fails, where its API is", of_group=True)


def ground(
    merchant: str, figures: Figures, policy: Policy, past: Past, *, wall: float, slots: int, frozen: bool
) -> Ground | None:
    """The strongest reason there is now, None without any. What was asked for by hand does not depend on figures."""
    if policy.held.get(merchant, 0.0) > wall:
        return Ground("Held", "held by hand")
    slow = None if frozen or merchant in policy.exempt else _slow(figures)
    if slow is not None:
        return replace(slow, besides=_asked(merchant, policy))
    if merchant in policy.limits:
        return Ground("Limited", "has limits", figures.in_flight)
    if merchant in policy.pinned:
        return Ground("Pinned", "pinned by hand")
    if frozen or merchant in policy.exempt:
        return None
    return _rate_limited(past) or _refused(past, slots)


def never_closes(merchant: str, policy: Policy, wall: float) -> bool:
    """Whether the merchant's queue stays whatever is seen of it."""
    return merchant in policy.limits or merchant in policy.pinned or policy.held.get(merchant, 0.0) > wall


def rank(
    merchant: str, found: Ground | None, queue: OwnQueue | None, *, frozen: bool = False
) -> tuple[int, bool, float, str]:
    """The place among those that need a queue, lowest first; who has one keeps it before others of the same ground.
    In a tier that is ``frozen`` nobody knows who needs one still, so that each is needed for what it was opened for.
    """
    if found is None and frozen and queue is not None and queue.stage != "Closing":
        return _FIRST[queue.why], False, 0.0, merchant
    if found is None:
        return _NO_GROUND, queue is None, 0.0, merchant
    place = _OF_GROUP if found.of_group else _FIRST[found.besides or found.why]
    return place, queue is None, -found.weight, merchant


def _asked(merchant: str, policy: Policy) -> Why | None:
    if merchant in policy.limits:
        return "Limited"
    return "Pinned" if merchant in policy.pinned else None


def _slow(figures: Figures) -> Ground | None:
    if not figures.slow:
        return None
    if figures.pods == 1:
        return Ground("Slow", "slow in its only pod", 1.0)
    return Ground("Slow", f"slow in {figures.slow_in} of {figures.pods} pods", figures.slow_in / figures.pods)


def _rate_limited(past: Past) -> Ground | None:
    """As long as the merchant has a rate: without a queue nobody would hold it over all pods."""
    limiting = past.limiting
    if not limiting.again and limiting.rate is None:
        return None
    return Ground("RateLimited", limiting.words, sum(times for _, _, times in limiting.asked))


def _refused(past: Past, slots: int) -> Ground | None:
    count = sum(refused for _, refused in past.refused)
    if count < max(REFUSED_AT_LEAST, REFUSED_SHARE * slots):
        return None
    return Ground("Refused", f"{count} orders refused in {WINDOW:.0f} s", count)
