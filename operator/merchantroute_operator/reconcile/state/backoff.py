"""When what failed is tried again: after twice as long each time, spread by chance. Pure but for the chance."""

from __future__ import annotations

import random
from dataclasses import dataclass

FIRST = 1.0  # seconds
LONGEST = 60.0  # seconds
LONGEST_ASKED = 300.0  # seconds that a server may ask for
SPREAD = 0.25  # of the delay, to either side: routes that failed together come back one by one


def retry_delay(failures: int, *, longest: float = LONGEST, asked: float = 0.0) -> float:
    """Seconds until the next try after so many failures in a row (1 or more).

    ``asked`` are the seconds that the server wants to be left alone for; it is never asked earlier.
    """
    delay = min(longest, FIRST * 2.0 ** min(failures - 1, 16))
    spread = delay * random.uniform(1 - SPREAD, 1 + SPREAD)
    return max(spread, min(asked, LONGEST_ASKED))


@dataclass(slots=True)
class Backoff:
    """Of something that is done at every tick, whether or not it failed at the last; times are monotonic seconds."""

    failures: int = 0
    until: float = 0.0

    def holds(self, now: float) -> bool:
        """Whether it is too early for another try."""
        return now < self.until

    def failed(self, now: float, *, longest: float = LONGEST, asked: float = 0.0) -> None:
        """One more in a row; see ``retry_delay``."""
        self.failures += 1
        self.until = now + retry_delay(self.failures, longest=longest, asked=asked)

    def succeeded(self) -> None:
        """It begins anew."""
        self.failures, self.until = 0, 0.0
