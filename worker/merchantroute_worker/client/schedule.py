"""Orders that wait to be sent, by the time they are due, and how long to pause after a failure. No I/O, no clock."""

import heapq
import itertools
import random

from merchantroute_worker.client.pending import Pending

FASTEST, SLOWEST = 0.05, 1.0


class Schedule:
    """Orders by due time (monotonic seconds), in the order of their coming where that is equal."""

    def __init__(self) -> None:
        self._count = itertools.count()
        self._due: list[tuple[float, int, Pending]] = []

    def add(self, pending: Pending, due: float) -> None:
        """Send it then."""
        if pending.outcome is None:
            heapq.heappush(self._due, (due, next(self._count), pending))

    def next_due(self) -> float | None:
        """When the next order is due, None when there is none."""
        return self._due[0][0] if self._due else None

    def pop(self, now: float) -> Pending | None:
        """The next order that is due."""
        return heapq.heappop(self._due)[2] if self._due and self._due[0][0] <= now else None

    def forget_settled(self) -> None:
        """Let go of orders whose callers have given up: while no line opens, nobody else does."""
        self._due = [entry for entry in self._due if entry[2].outcome is None]
        heapq.heapify(self._due)

    def all(self) -> list[Pending]:
        """Every order."""
        return [entry[2] for entry in self._due]


def pause(failures: int) -> float:
    """Seconds before the next attempt: doubled each time, and never the same in two processes."""
    return min(FASTEST * 2.0 ** min(failures - 1, 10), SLOWEST) * random.uniform(0.5, 1.0)
