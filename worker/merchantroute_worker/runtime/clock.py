"""The pod's own time, which does not pass while the pod stands still.

A process that was stopped for some seconds (its node froze, its cgroup had used up its CPU, code held up the hub) finds
all its calls old and all merchants silent, and those calls that ran into their time-out meanwhile end first. By the
clock on the wall every merchant would be slow, and the whole queue be sent away within a second. It was the pod that
did not listen: what it holds against a merchant it measures in time in which it would have heard an answer.
"""

import time
from collections.abc import Callable

EVERY = 0.25
"""Seconds between two turns."""
TOLERANCE = 0.5
"""Seconds after a turn in which a busy pod may have had no time for the next."""


class StallAwareClock:
    """Monotonic, in seconds. Somebody must call `turn`, `EVERY` so many seconds, where the pod's orders run."""

    def __init__(self, real: Callable[[], float] = time.monotonic) -> None:
        self.real = real
        # One value, since threads read it while another changes it.
        self._turned_and_lost = real(), 0.0

    def now(self) -> float:
        """Stops a while after the last turn, and goes on with the next."""
        turned, lost = self._turned_and_lost
        now, last = self.real(), turned + TOLERANCE
        return (now if now < last else last) - lost

    def turn(self) -> None:
        """The pod runs."""
        turned, lost = self._turned_and_lost
        now = self.real()
        self._turned_and_lost = now, lost + max(0.0, now - turned - TOLERANCE)


class Stopwatch:
    """A stretch of time, from now on. `began` is when, by the pod's own time."""

    def __init__(self, clock: StallAwareClock) -> None:
        self._clock = clock
        self.began, self._really = clock.now(), clock.real()

    def seconds(self) -> float:
        """How long it is, by the pod's own time."""
        return self._clock.now() - self.began

    def was_stalled(self) -> bool:
        """Whether the pod stood still for most of it."""
        return self.seconds() * 2 < self._clock.real() - self._really
