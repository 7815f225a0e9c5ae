"""Measures whether a split distributes orders by its weight, from what entered the two lanes' queues.

Bindings can look right and lead wrong: whoever binds a queue to a consistent hash a second time, and takes that away
again, leaves the list of bindings as it was and the queue without a share.

The broker's figure of each queue is up to ``PERIOD`` old, and the two queues' are not of one moment. So a count lies
between two readings that are so far apart, a share in an interval, and it is off only if the whole interval is: a
burst of orders that only one queue's figure contains yet proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

PERIOD = 6.0  # seconds: the broker's own samples are 5 apart
FEWEST = 1_000  # orders before a share is one
ENOUGH = 10_000  # orders after which a good measurement begins anew, so that its past hides no later change
POINTS = 2.0  # of a hundred: what ids that are not quite even, or repeated, may cost
SURE = 5.0  # standard deviations: chance does it once in a million looks


@dataclass(frozen=True, slots=True)
class Reading:
    """Orders that entered the lanes' queues so far, at ``at`` monotonic seconds."""

    at: float
    stable: int
    canary: int


@dataclass(frozen=True, slots=True)
class Measure:
    """Readings of one split (``side``) at one weight: those of the first period, and of the last."""

    weight: int
    side: str
    first: tuple[Reading, ...] = ()
    last: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """Percent of ``orders`` (at least so many) that the canary got: between ``low`` and ``high``."""

    orders: int
    low: float
    high: float


def measure(before: Measure | None, weight: int, side: str, reading: Reading) -> Measure:
    """Take in a reading. Another split, another weight, or a counter that began anew (a broker restarted): so does it.

    A measurement of ``ENOUGH`` orders begins anew too, once it was asked for its verdict.
    """
    last = before.last[-1] if before is not None and before.last else None
    if before is None or (before.weight, before.side) != (weight, side) or _ran_back(last, reading) or _is_full(before):
        return Measure(weight, side, (reading,), (reading,))
    first = before.first if _is_closed(before.first) else (*before.first, reading)
    recent = (*before.last, reading)
    old = [each for each in recent if reading.at - each.at >= PERIOD]
    return Measure(weight, side, first, (*old[-1:], *(each for each in recent if reading.at - each.at < PERIOD)))


def share(of: Measure) -> Share | None:
    """What was measured; None while there is too little of it."""
    if not _is_closed(of.first) or not _is_closed(of.last) or of.last[0].at < of.first[-1].at:
        return None
    start, started, end, ended = of.first[0], of.first[-1], of.last[0], of.last[-1]
    canary = end.canary - started.canary, ended.canary - start.canary
    stable = end.stable - started.stable, ended.stable - start.stable
    orders = canary[0] + stable[0]
    if orders < FEWEST:
        return None
    return Share(orders, 100 * canary[0] / (canary[0] + stable[1]), 100 * canary[1] / (canary[1] + stable[0]))


def off(weight: int, found: Share) -> bool:
    """Whether it is another share than ``weight`` percent, beyond chance and beyond what is let pass.

    A share of 1 or 2 percent is off by half of itself: such a canary could not be missed otherwise.
    """
    part = weight / 100
    rarer = min(weight, 100 - weight)
    pass_over = min(POINTS, rarer / 2) if rarer else POINTS
    bound = max(pass_over, SURE * 100 * sqrt(part * (1 - part) / found.orders))
    return found.high < weight - bound or found.low > weight + bound


def words(weight: int, found: Share) -> str:
    """For people."""
    between = f"{found.low:.1f} to {found.high:.1f} %" if found.high - found.low >= 0.1 else f"{found.high:.1f} %"
    return f"the canary got {between} of {found.orders:,} orders, not {weight} %"


def _is_closed(span: tuple[Reading, ...]) -> bool:
    return span[-1].at - span[0].at >= PERIOD


def _ran_back(last: Reading | None, reading: Reading) -> bool:
    return last is not None and (reading.stable < last.stable or reading.canary < last.canary)


def _is_full(before: Measure) -> bool:
    found = share(before)
    return found is not None and found.orders >= ENOUGH and not off(before.weight, found)
