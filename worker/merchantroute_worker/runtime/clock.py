"""A monotonic clock that stops while this process is stalled, so that a stall does not make every merchant look slow.

A process that was stopped for some seconds (its node froze, its cgroup was throttled, code blocked the hub) finds all
its calls old and all merchants silent, and the calls that ran into their time-out meanwhile end first. By an ordinary
clock every merchant would be slow, and the whole queue be refused within a second. On this clock the age of a call is
the time in which the process could have received its answer.
"""

import time
from collections.abc import Callable

EVERY = 0.25
"""Seconds between two ticks."""
TOLERANCE = 0.5
"""Seconds after a tick by which the next one may be late because the pod is busy, and not stalled."""


class StallAwareClock:
    """Monotonic seconds. `tick` must be called `EVERY` so many seconds where the pod's orders run."""

    def __init__(self, real: Callable[[], float] = time.monotonic) -> None:
        self.real = real
        # One tuple, so that a thread never reads one number before and one after a tick.
        self._ticked_and_lost = real(), 0.0

    def now(self) -> float:
        """Give the time; it stops `TOLERANCE` after the last tick, and goes on with the next."""
        ticked, lost = self._ticked_and_lost
        now, last = self.real(), ticked + TOLERANCE
        return (now if now < last else last) - lost

    def tick(self) -> None:
        """Note that the process runs; the time since the last tick beyond `TOLERANCE` counts as a stall."""
        ticked, lost = self._ticked_and_lost
        now = self.real()
        self._ticked_and_lost = now, lost + max(0.0, now - ticked - TOLERANCE)


class Stopwatch:
    """Measures from now on, in seconds of a stall-aware clock. `began` is the time on that clock."""

    def __init__(self, clock: StallAwareClock) -> None:
        self._clock = clock
        self.began, self._really = clock.now(), clock.real()

    def seconds(self) -> float:
        """Give the seconds since it began, without stalls."""
        return self._clock.now() - self.began

    def was_stalled(self) -> bool:
        """Whether the process was stalled for more than half of the time."""
        return self.seconds() * 2 < self._clock.real() - self._really
