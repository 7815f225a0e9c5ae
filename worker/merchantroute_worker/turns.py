"""When a refused order comes back: after a while, and no more than some of them a second. Pure: times are the caller's.

Orders of one merchant that are refused at once would come back at once, stand before everybody else's in the lane's
queue again, and be refused again. So each waits for a turn of its own. A quorum queue expires at its head only: turns
are given out in the order in which they end, or one long wait would hold up the shorter ones behind it.
"""

from collections.abc import Sequence

SPACING = 0.012
"""Seconds between two turns: 83 a second, at about half a millisecond of CPU a refusal under 5 % of a core."""


class Turns:
    """The turns that one pod gives out."""

    def __init__(self) -> None:
        self._last = 0.0

    def wait(self, now: float, delays: Sequence[int]) -> int:
        """Milliseconds until the next turn: the middle one of the ladder's delays, longer while many wait, at most as
        long as the queue lets anybody wait: twice the longest.
        """
        soonest, latest = now + delays[(len(delays) - 1) // 2] / 1000, now + 2 * delays[-1] / 1000
        self._last = min(max(soonest, self._last + SPACING), latest)
        return round((self._last - now) * 1000)
