"""May this merchant have another slot? A pure decision: values in, verdict out, no clock.

The rule: a slot is refused if and only if the merchant is at its cap while slots are scarce (under a quarter free) and
others may want them, or it is slow and has its one slot already, or slow merchants together hold half the slots.

When is a merchant slow?
  * It hangs: its oldest call is old, and it answered nothing for as long. How old depends on what is usual for it: ten
    times its usual call, but at least a fifth and at most half of the call time-out. So a merchant that answers in
    70 ms is found out after 2 of 10 s, before it holds many slots, and one that always takes 3 s is not suspected.
  * It crawls: calls older than half the time-out hold one slot in twenty, at least three, whatever it answers
    meanwhile. One stuck call does not condemn a merchant that answers others.
  * It failed: its last three calls timed out or could not be made at all (connection refused, DNS, TLS), and nothing
    says yet that this is over.
One answer in time ends the first and the third. A slow merchant keeps one slot, so that its healing is noticed.
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
    """What the bulkhead says to one order."""

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
        """The merchant's cap: the tier's ceiling, which may be all of a pod where the tier says so."""
        return max(1, min(self.ceiling, self.slots))

    @cached_property
    def overdue_after(self) -> float:
        """The age (seconds) beyond which a call is overdue, whatever is usual."""
        return self.call_timeout / 2

    @cached_property
    def hangs_not_before(self) -> float:
        """The age (seconds) up to which no call makes its merchant hang, whatever is usual."""
        return self.call_timeout / 5

    def hangs_after(self, usual: float | None) -> float:
        """The age and silence (seconds) that make a merchant hang whose usual call takes so long."""
        if usual is None:
            return self.overdue_after
        return min(self.overdue_after, max(self.hangs_not_before, 10 * usual))


class Snapshot(NamedTuple):
    """What is known of one merchant now, times in seconds: the age of its oldest call (0 without one), how many are
    overdue, how long ago it answered and how long its calls usually take (None if it never did). `cap` is what it has
    shown to bear, None for the ceiling.
    """

    in_flight: int = 0
    oldest: float = 0.0
    overdue: int = 0
    silence: float | None = None
    usual: float | None = None
    failures_in_a_row: int = 0
    cap: int | None = None


def is_slow(sight: Snapshot, limits: Limits) -> bool:
    """Whether the merchant must make do with one slot."""
    if sight.failures_in_a_row >= FAILURES_IN_A_ROW:
        return True
    if sight.overdue >= max(OVERDUE_AT_LEAST, limits.slots // OVERDUE_SHARE):
        return True
    if sight.oldest <= limits.hangs_not_before:
        return False
    long = limits.hangs_after(sight.usual)
    return sight.oldest > long and (sight.silence is None or sight.silence > long)


def decide(sight: Snapshot, limits: Limits, *, busy: int, held_by_slow: int, alone: bool = False) -> Verdict:
    """The rule. `busy` counts the pod's slots in use, `held_by_slow` those of them that slow merchants hold; `alone`
    says that nobody else is kept waiting.
    """
    if is_slow(sight, limits):
        if sight.in_flight >= SLOW_FLOOR or held_by_slow * 2 >= limits.slots:
            return Verdict.SLOW
        return Verdict.ADMIT
    if not is_scarce(limits.slots, busy) or sight.in_flight < cap_of(sight, limits):
        return Verdict.ADMIT
    return Verdict.ADMIT if alone and is_well(sight) else Verdict.CAP


def is_scarce(slots: int, busy: int) -> bool:
    """Whether under a quarter of the slots is free."""
    return (slots - busy) * 4 < slots


def cap_of(sight: Snapshot, limits: Limits) -> int:
    """The slots that the merchant may have while they are scarce."""
    return limits.cap if sight.cap is None else max(1, min(sight.cap, limits.cap))


def is_well(sight: Snapshot) -> bool:
    """Whether it answers, so that all slots may be trusted to it. One that never answered may be hung; one that was
    asked nothing for a while is not silent, so its silence counts from its oldest call on.
    """
    if sight.silence is None or sight.failures_in_a_row:
        return False
    return min(sight.silence, sight.oldest) <= max(WELL_FOR, WELL_CALLS * (sight.usual or 0.0))
