"""The bulkhead's rule: whether a merchant may have another slot. Pure: a snapshot in, a verdict out, no clock.

A slot is refused if and only if the merchant is at its cap while slots are scarce (under a quarter free) and other
merchants may need them, or it is slow and has one slot already, or slow merchants together have half of the slots.

A merchant is slow in three cases:
  * It hangs: its oldest call is old, and it answered nothing for as long. How old depends on its usual latency: ten
    times that, but at least a fifth and at most half of the call time-out. So a merchant that usually answers in 70 ms
    is detected after 2 of 10 s, before it has many slots, and one that always needs 3 s does not count as slow.
  * It crawls: calls older than half the time-out have one slot in twenty, at least three, even if it answers others
    meanwhile. One stuck call does not make a merchant slow that answers others.
  * It failed: its last three calls timed out or could not be made at all (connection refused, DNS, TLS), and no call
    since has succeeded.
One answer in time ends the first and the third. A slow merchant keeps one slot, so that its recovery is detected.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import NamedTuple

FAILURES_IN_A_ROW = 3
OVERDUE_AT_LEAST = 3
OVERDUE_SHARE = 20
SLOW_FLOOR = 1
WELL_FOR = 1.0
WELL_CALLS = 2


class Verdict(Enum):
    """The decision on one order: admitted, or refused because its merchant is at its cap or slow."""

    ADMIT = "admit"
    CAP = "cap"
    SLOW = "slow"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A pod's limits: its slots, the ceiling per merchant, and the time-out of one call in seconds."""

    slots: int
    ceiling: int
    call_timeout: float

    @cached_property
    def cap(self) -> int:
        """The static cap of every merchant: the tier's ceiling, at most all slots of the pod."""
        return max(1, min(self.ceiling, self.slots))

    @cached_property
    def overdue_after(self) -> float:
        """The age (seconds) beyond which a call is overdue, whatever the usual latency is."""
        return self.call_timeout / 2

    @cached_property
    def hangs_not_before(self) -> float:
        """The age (seconds) up to which no call counts as hanging, whatever the usual latency is."""
        return self.call_timeout / 5

    def hangs_after(self, usual: float | None) -> float:
        """Give the age and silence (seconds) from which a merchant with this usual latency hangs."""
        if usual is None:
            return self.overdue_after
        return min(self.overdue_after, max(self.hangs_not_before, 10 * usual))


class Snapshot(NamedTuple):
    """The state of one merchant now, times in seconds: the age of its `oldest` call (0 without one), how many calls are
    `overdue`, how long ago it last answered (`silence`) and its `usual` latency (None if it never answered). `cap` is
    its adaptive limit, None for the ceiling.
    """

    in_flight: int = 0
    oldest: float = 0.0
    overdue: int = 0
    silence: float | None = None
    usual: float | None = None
    failures_in_a_row: int = 0
    cap: int | None = None


def is_slow(snapshot: Snapshot, limits: Limits) -> bool:
    """Whether the merchant is slow, and so limited to one slot."""
    if snapshot.failures_in_a_row >= FAILURES_IN_A_ROW:
        return True
    if snapshot.overdue >= max(OVERDUE_AT_LEAST, limits.slots // OVERDUE_SHARE):
        return True
    if snapshot.oldest <= limits.hangs_not_before:
        return False
    long = limits.hangs_after(snapshot.usual)
    return snapshot.oldest > long and (snapshot.silence is None or snapshot.silence > long)


def decide(snapshot: Snapshot, limits: Limits, *, busy: int, slots_of_slow: int, alone: bool = False) -> Verdict:
    """Apply the rule. `busy` counts the pod's slots in use, `slots_of_slow` those of slow merchants among them; `alone`
    says that no order of another merchant waits.
    """
    if is_slow(snapshot, limits):
        if snapshot.in_flight >= SLOW_FLOOR or slots_of_slow * 2 >= limits.slots:
            return Verdict.SLOW
        return Verdict.ADMIT
    if not is_scarce(limits.slots, busy) or snapshot.in_flight < cap_of(snapshot, limits):
        return Verdict.ADMIT
    return Verdict.ADMIT if alone and is_well(snapshot) else Verdict.CAP


def is_scarce(slots: int, busy: int) -> bool:
    """Whether less than a quarter of the slots is free."""
    return (slots - busy) * 4 < slots


def cap_of(snapshot: Snapshot, limits: Limits) -> int:
    """Give the slots that the merchant may have while slots are scarce."""
    return limits.cap if snapshot.cap is None else max(1, min(snapshot.cap, limits.cap))


def is_well(snapshot: Snapshot) -> bool:
    """Whether the merchant answers, so that it may have all slots. One that never answered may hang. One that got no
    calls for a while is not silent, so its silence counts from its oldest call on.
    """
    if snapshot.silence is None or snapshot.failures_in_a_row:
        return False
    return min(snapshot.silence, snapshot.oldest) <= max(WELL_FOR, WELL_CALLS * (snapshot.usual or 0.0))
