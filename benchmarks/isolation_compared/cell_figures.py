"""The figures of a cell, from what was published, what the merchants saw and what the contender says. Pure."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from statistics import median

from benchmarks.isolation_compared.merchant_calls import Call, ends, first_call, most_at_once

SETTLED = 3.0
"""Seconds after a fault's beginning from which healthy merchants are to wait as before."""
IN_TIME = 6.5
"""Seconds, three times what an order takes, within which it counts as served for the fairness."""
_AFTER_HEALING = 10.0


@dataclass(frozen=True, kw_only=True)
class CellEvidence:
    """One cell as it was seen. Times are epoch seconds.

    `published` has for each confirmed order its merchant and when it was handed to the broker. `opened` says when which
    merchant's own queue was bound first, `found_slow` when enough pods had called it slow. `book` is the merchants'
    own, effects by order and step.
    """

    published: Mapping[str, tuple[str, float]]
    calls: Sequence[Call]
    book: Mapping[str, Mapping[str, int]]
    troubled: AbstractSet[str]
    fault_at: float
    healed_at: float
    ended_at: float
    dead: AbstractSet[str] = frozenset()
    queued: AbstractSet[str] = frozenset()
    opened: Mapping[str, float] = field(default_factory=dict)
    found_slow: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    publishes: int | None = None


@dataclass(frozen=True, kw_only=True)
class CellFigures:
    """Seconds, and shares of one. A healthy order that was not done counts with the time that it had waited by the
    cell's end. None where there is nothing to measure.
    """

    healthy_p50: float
    healthy_p99: float
    healthy_p99_all: float
    healthy_undone: int
    isolation_seconds: float | None
    isolation_median: float | None
    bound_after_slow: float | None
    isolated: int
    false_openings: int
    most_slots: int
    refused: float
    amplification: float | None
    recovery_seconds: float | None
    recovered: bool
    recovery_peak: int
    fairness: float
    published: int
    done: int
    dead: int
    queued: int
    lost: int
    doubled: int


STEPS = ("validate", "submit", "confirm")


def figures(seen: CellEvidence) -> CellFigures:
    """All of them."""
    done_at = ends(seen.calls)
    healthy = {order: each for order, each in seen.published.items() if each[0] not in seen.troubled}
    settled = _waited(healthy, done_at, seen, seen.fault_at + SETTLED)
    ledger = _ledger(seen)
    isolating = isolation_seconds(seen)
    recovery, recovered = _recovery(seen, done_at)
    healthy_refused = sum(count for merchant, count in seen.refused.items() if merchant not in seen.troubled)
    return CellFigures(
        healthy_p50=percentile(settled, 50),
        healthy_p99=percentile(settled, 99),
        healthy_p99_all=percentile(_waited(healthy, done_at, seen, seen.fault_at), 99),
        healthy_undone=sum(order not in done_at for order in healthy),
        isolation_seconds=max(isolating, default=None),
        isolation_median=median(isolating) if isolating else None,
        bound_after_slow=max(_after_slow(seen), default=None),
        isolated=sum(merchant in seen.troubled for merchant in seen.opened),
        false_openings=sum(merchant not in seen.troubled for merchant in seen.opened),
        most_slots=most_at_once(
            seen.calls, seen.troubled or {each for each, _ in seen.published.values()}, seen.fault_at, seen.healed_at
        ),
        refused=healthy_refused / len(healthy) if healthy else 0.0,
        amplification=None if seen.publishes is None else seen.publishes / max(1, len(seen.published)),
        recovery_seconds=recovery,
        recovered=recovered,
        recovery_peak=most_at_once(seen.calls, seen.troubled, seen.healed_at + _AFTER_HEALING, seen.ended_at),
        fairness=jain(_served(healthy, done_at, seen).values()),
        published=len(seen.published),
        **ledger,
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent are not above; not a number where there are none."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def jain(values: Iterable[float]) -> float:
    """Jain's index: 1 where all are served alike, one part of their number where one has everything."""
    given = list(values)
    squares = sum(value * value for value in given)
    return sum(given) ** 2 / (len(given) * squares) if squares else math.nan


def isolation_seconds(seen: CellEvidence) -> list[float]:
    """From the first call that a fault met to the merchant's own queue being bound, of each that has one."""
    found = []
    for merchant in seen.troubled & seen.opened.keys():
        began = first_call(seen.calls, merchant, seen.fault_at)
        if began is not None:
            found.append(seen.opened[merchant] - began)
    return found


def _after_slow(seen: CellEvidence) -> list[float]:
    """From when enough pods had called a merchant slow to its own queue being bound, of each that has one for that."""
    return [
        max(0.0, seen.opened[merchant] - seen.found_slow[merchant])
        for merchant in seen.troubled & seen.opened.keys() & seen.found_slow.keys()
    ]


def _waited(
    orders: Mapping[str, tuple[str, float]], done_at: Mapping[str, float], seen: CellEvidence, since: float
) -> list[float]:
    """Seconds from publishing to done, of the orders that came from `since` until healing."""
    return [
        done_at.get(order, seen.ended_at) - at for order, (_, at) in orders.items() if since <= at <= seen.healed_at
    ]


def _served(
    orders: Mapping[str, tuple[str, float]], done_at: Mapping[str, float], seen: CellEvidence
) -> dict[str, float]:
    """By merchant the share of its orders of the fault's time that was done in time."""
    came: defaultdict[str, list[bool]] = defaultdict(list)
    for order, (merchant, at) in orders.items():
        if seen.fault_at <= at <= seen.healed_at:
            came[merchant].append(done_at.get(order, math.inf) - at <= IN_TIME)
    return {merchant: sum(each) / len(each) for merchant, each in came.items()}


def _recovery(seen: CellEvidence, done_at: Mapping[str, float]) -> tuple[float | None, bool]:
    """Seconds from healing until the last order is done that the troubled ones had by then, and whether all are."""
    had = [
        order
        for order, (merchant, at) in seen.published.items()
        if merchant in seen.troubled and at <= seen.healed_at and done_at.get(order, math.inf) > seen.healed_at
    ]
    if not had:
        return (0.0 if seen.troubled else None), True
    undone = [order for order in had if order not in done_at and order not in seen.dead]
    last = max((done_at[order] for order in had if order in done_at), default=seen.healed_at)
    return (seen.ended_at if undone else last) - seen.healed_at, not undone


def _ledger(seen: CellEvidence) -> dict[str, int]:
    done = {order for order in seen.published if _is_done(seen.book.get(order, {}))}
    dead = (seen.dead & seen.published.keys()) - done
    queued = (seen.queued & seen.published.keys()) - done - dead
    twice = _effects_twice(seen.book, seen.published)
    lost = len(seen.published) - len(done) - len(dead) - len(queued)
    return {"done": len(done), "dead": len(dead), "queued": len(queued), "lost": lost, "doubled": twice}


def _is_done(steps: Mapping[str, int]) -> bool:
    return all(steps.get(step, 0) >= 1 for step in STEPS)


def _effects_twice(book: Mapping[str, Mapping[str, int]], orders: Collection[str]) -> int:
    return sum(any(effects > 1 for effects in book.get(order, {}).values()) for order in orders)
