"""The bulkhead's rule: whether a merchant may have another slot. Pure: a snapshot in, a verdict out, no clock.

A slot is refused if and only if the merchant is at its cap while slots are scarce (under a quarter free) and other
merchants may need them, or it is slow and has one slot already, or slow merchants together have half of the slots. A
merchant that answers, and whose cap was not decreased, may exceed the cap up to its fair share.

A merchant is slow in three cases:
  * It hangs: its oldest call is old, and it answered nothing for as long. How old depends on its usual latency: ten
    times that, but at least a fifth and at most half of the call's time-out. So a merchant that usually answers in 70
    ms is detected after 2 of 10 s, before it has many slots, and one that always needs 3 s does not count as slow.
  * It crawls: calls older than half their time-out have one slot in twenty, at least three, even if it answers others
    meanwhile. One stuck call does not make a merchant slow that answers others.
  * It failed: its last three calls timed out or could not be made at all (connection refused, DNS, TLS), or its last
    three answers to one step were server errors (5xx), and no call since has succeeded.
A call that usually takes more than a third of its time-out is not old before it takes one and a half times that long.
One answer in time ends the first and the third; a server error does not end the third. A slow merchant keeps one slot,
so that its recovery is detected.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import NamedTuple

FAILURES_IN_A_ROW = 3
OVERDUE_AT_LEAST = 3
OVERDUE_SHARE = 20
OVERDUE_CALLS = 1.5
SLOW_FLOOR = 1
WELL_FOR = 1.0
WELL_CALLS = 2
NEARLY_FULL = 20
LENIENCY = 1.25
"""While more than one slot in twenty is free, a merchant may exceed its fair share by a quarter: arrivals vary."""


class Verdict(Enum):
    """The decision on one order: admitted, or not because its merchant is at its cap, slow, asked for time, limits its
    rate, or refuses the credentials.
    """

    ADMIT = "admit"
    CAP = "cap"
    SLOW = "slow"
    PAUSED = "paused"
    RATE_LIMIT = "rate-limit"
    CREDENTIALS = "credentials-refused"


NO_SLOT = frozenset({Verdict.CAP, Verdict.SLOW})
"""Verdicts of the bulkhead itself; the others are the merchant's own."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A pod's limits: its slots, the ceiling per merchant, and the time-out (seconds) of a call without its own."""

    slots: int
    ceiling: int
    call_timeout: float

    @cached_property
    def cap(self) -> int:
        """The static cap of every merchant: the tier's ceiling, at most all slots of the pod."""
        return max(1, min(self.ceiling, self.slots))


def overdue_after(usual: float | None, timeout: float) -> float:
    """Give the age (seconds) beyond which a call is overdue that has this time-out and usual latency."""
    return timeout / 2 if usual is None else max(timeout / 2, OVERDUE_CALLS * usual)


def hangs_not_before(timeout: float) -> float:
    """Give the age (seconds) up to which no call with this time-out hangs, whatever the usual latency is."""
    return timeout / 5


def hangs_after(usual: float | None, timeout: float) -> float:
    """Give the age and silence (seconds) from which a merchant hangs, by its oldest call."""
    overdue = overdue_after(usual, timeout)
    return overdue if usual is None else min(overdue, max(hangs_not_before(timeout), 10 * usual))


class Snapshot(NamedTuple):
    """The state of one merchant now, times in seconds: the age of its `oldest` call (0 without one), that call's
    `usual` latency (None if not known) and `timeout` (None for the pod's), how many calls are `overdue`, and how long
    ago the merchant last answered (`silence`, None for never). `cap` is its adaptive limit, None for the ceiling.
    """

    in_flight: int = 0
    oldest: float = 0.0
    overdue: int = 0
    silence: float | None = None
    usual: float | None = None
    failures_in_a_row: int = 0
    cap: int | None = None
    timeout: float | None = None


def is_slow(snapshot: Snapshot, limits: Limits) -> bool:
    """Whether the merchant is slow, and so limited to one slot."""
    if snapshot.failures_in_a_row >= FAILURES_IN_A_ROW:
        return True
    if snapshot.overdue >= max(OVERDUE_AT_LEAST, limits.slots // OVERDUE_SHARE):
        return True
    timeout = limits.call_timeout if snapshot.timeout is None else snapshot.timeout
    if snapshot.oldest <= hangs_not_before(timeout):
        return False
    long = hangs_after(snapshot.usual, timeout)
    return snapshot.oldest > long and (snapshot.silence is None or snapshot.silence > long)


def decide(
    snapshot: Snapshot, limits: Limits, *, busy: int, slots_of_slow: int, alone: bool = False, share: float = 0.0
) -> Verdict:
    """Apply the rule. `busy` counts the pod's slots in use, `slots_of_slow` those of slow merchants among them; `alone`
    says that no order of another merchant waits, `share` is the merchant's fair share of the slots.
    """
    if is_slow(snapshot, limits):
        if snapshot.in_flight >= SLOW_FLOOR or slots_of_slow * 2 >= limits.slots:
            return Verdict.SLOW
        return Verdict.ADMIT
    if not is_scarce(limits.slots, busy) or snapshot.in_flight < cap_of(snapshot, limits):
        return Verdict.ADMIT
    if not is_well(snapshot):
        return Verdict.CAP
    if alone:
        return Verdict.ADMIT
    if (limits.slots - busy) * NEARLY_FULL > limits.slots:
        share *= LENIENCY
    return Verdict.ADMIT if snapshot.cap is None and snapshot.in_flight < share else Verdict.CAP


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
