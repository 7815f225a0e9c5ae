"""May this merchant have another slot? A pure decision: values in, verdict out, no clock.

The rule: a slot is refused if and only if the merchant is at its cap while slots are scarce (under a quarter free),
or the merchant is slow and has its one slot already, or slow merchants together hold half the slots.

When is a merchant slow? A call is overdue when it is older than half the call time-out: beyond anything a usual
merchant does, and early enough that half of what a hung merchant can take is never taken. One overdue call does not
condemn a merchant that answers others meanwhile; it is slow when
  * a call is overdue and nothing was answered for as long (it hangs), or
  * overdue calls hold one slot in twenty, at least three (it crawls), or
  * its last three calls timed out (it hung, and nothing says yet that this is over).
One answer in time ends the first and the third. A slow merchant keeps one slot, so that its healing is noticed.
"""

from dataclasses import dataclass
from enum import Enum

TIMEOUTS_IN_A_ROW = 3
OVERDUE_AT_LEAST = 3
OVERDUE_SHARE = 20
SLOW_FLOOR = 1


class Verdict(Enum):
    """What the bulkhead says to one order."""

    ADMIT = "admit"
    CAP = "cap"
    SLOW = "slow"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A pod's limits: its slots, the ceiling per merchant, and the age (seconds) at which a call is overdue."""

    slots: int
    ceiling: int
    overdue_after: float

    @property
    def cap(self) -> int:
        """The merchant's cap. In a small pod the route's ceiling could be all of it, so half the slots bound it."""
        return max(1, min(self.ceiling, self.slots // 2))


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What is known of one merchant now. `silence` is the seconds since its last answer, None if there was none."""

    in_flight: int = 0
    overdue: int = 0
    silence: float | None = None
    timeouts_in_a_row: int = 0


def is_slow(sight: Sight, limits: Limits) -> bool:
    """Whether the merchant must make do with one slot."""
    if sight.timeouts_in_a_row >= TIMEOUTS_IN_A_ROW:
        return True
    if not sight.overdue:
        return False
    hangs = sight.silence is None or sight.silence > limits.overdue_after
    return hangs or sight.overdue >= max(OVERDUE_AT_LEAST, limits.slots // OVERDUE_SHARE)


def decide(sight: Sight, limits: Limits, *, busy: int, held_by_slow: int) -> Verdict:
    """The rule. `busy` counts the pod's slots in use, `held_by_slow` those of them that slow merchants hold."""
    if is_slow(sight, limits):
        if sight.in_flight >= SLOW_FLOOR or held_by_slow * 2 >= limits.slots:
            return Verdict.SLOW
        return Verdict.ADMIT
    scarce = (limits.slots - busy) * 4 < limits.slots
    return Verdict.CAP if scarce and sight.in_flight >= limits.cap else Verdict.ADMIT
