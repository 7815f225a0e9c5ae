"""The calls that merchants received and answered. No I/O, and no clock of its own."""

import random
from collections.abc import Callable
from typing import Any

STEPS = (b"validate", b"submit", b"confirm")


class ReceivedCalls:
    """What was received and answered. Times are the clock's, in seconds.

    `progress` counts calls to the fraction: one that has waited for a third of its latency is a third of a call. So a
    window says how many orders go through it whatever part of a series it begins and ends in.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.run = 0
        self.reset(0.0)

    def reset(self, latency: float) -> None:
        """Forget all, and whom an answer is still owed of the run before. Until a whole series' time has gone by since
        the first call, answers come after anything between none and twice the latency: from then on no two slots of a
        contender move in step.
        """
        self.run += 1
        self.latency = latency
        self.spread_until: float | None = None
        self.orders: dict[bytes, list[int]] = {}
        self.begun: dict[bytes, float] = {}
        self.answered = self.waiting = self.done = 0
        self.since = 0.0
        self.took: list[float] = []
        self.window: float | None = None

    def receive(self, key: bytes) -> tuple[bytes, int, float, float]:
        """Note a call; gives order, step, the time and the seconds until its answer."""
        order, _, name = key.rpartition(b":")
        step = STEPS.index(name)
        now = self._clock()
        receipts = self.orders.get(order)
        if receipts is None:
            receipts = self.orders[order] = [0, 0, 0]
        receipts[step] += 1
        if not step:
            self.begun[order] = now
        self.waiting += 1
        self.since += now
        if self.spread_until is None:
            self.spread_until = now + len(STEPS) * self.latency
        return order, step, now, random.random() * 2 * self.latency if now < self.spread_until else self.latency

    def answer(self, run: int, order: bytes, step: int, received: float) -> None:
        """The answer goes out. A contender that was killed leaves calls behind: they are not the next one's."""
        if run != self.run:
            return
        self.waiting -= 1
        self.since -= received
        self.answered += 1
        if step == len(STEPS) - 1:
            self.done += 1
            began = self.begun.pop(order, None)
            if began is not None and self.window is not None and began >= self.window:
                self.took.append(self._clock() - began)

    def begin(self) -> None:
        """A window begins: series that begin from now on are timed."""
        self.window = self._clock()

    def look(self) -> dict[str, Any]:
        """The figures so far."""
        now = self._clock()
        under_way = (self.waiting * now - self.since) / self.latency if self.latency else 0.0
        return {
            "now": now,
            "progress": self.answered + under_way,
            "answered": self.answered,
            "waiting": self.waiting,
            "done": self.done,
        }
