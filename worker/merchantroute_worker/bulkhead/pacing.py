"""When a slow merchant's refused orders come back: after a while, and no more than some of them a second. Pure: times
are the caller's.

Orders that are refused at once and wait on the same rung come back at once, stand before everybody else's in the lane's
queue again, and are refused again. So a merchant that is refused much gets turns, one after the other; one that is
refused a little waits on a rung, and not behind another's flood. A quorum queue expires at its head only: turns are
given out in the order in which they end, or one long wait would hold up the shorter ones behind it.
"""

from math import ceil

SPACING = 0.04
"""Seconds between two turns, in the mean: 25 a second and pod."""
TOGETHER = 5 * SPACING
"""Seconds between two times at which turns end. Some end together, and share what each costs alone: a turn of the hub,
a read, a write of acks. Few enough that a neighbour's order waits some milliseconds behind them."""
LONGEST = 600.0
"""Seconds that a turn may be away: 15,000 orders a pod. Beyond that they come closer together."""
RATE, BURST = 5.0, 25
"""A merchant's orders a second, and how many at once, that wait on a rung."""
TOTAL_RATE, TOTAL_BURST = 40.0, 200
"""The same for all merchants together, when many are slow."""
MOST_MERCHANTS = 4096
"""Merchants remembered: who would be one more takes turns."""


class ReturnPacer:
    """The turns that one pod gives out."""

    def __init__(self) -> None:
        self._last = 0.0
        self._total = 0.0
        self._paces: dict[str, float] = {}

    def pace(self, merchant: str, now: float, *, soonest: float) -> int | None:
        """Milliseconds until the turn of an order of this merchant that is refused now, at least ``soonest`` (seconds)
        away; None where it may wait on its rung. ``now`` is in seconds, of any clock that only goes on.
        """
        if self._is_modest(merchant, now):
            return None
        self._last = min(max(now + soonest, self._last + SPACING), now + max(soonest, LONGEST))
        return round((ceil(self._last / TOGETHER) * TOGETHER - now) * 1000)

    def _is_modest(self, merchant: str, now: float) -> bool:
        """Whether it keeps within its rate (the generic cell rate algorithm: ITU-T I.371), and all do within theirs."""
        if len(self._paces) >= MOST_MERCHANTS and merchant not in self._paces:
            self._paces = {name: due for name, due in self._paces.items() if due > now}
            if len(self._paces) >= MOST_MERCHANTS:
                return False
        own, total = max(self._paces.get(merchant, now), now), max(self._total, now)
        if own - now > (BURST - 0.5) / RATE or total - now > (TOTAL_BURST - 0.5) / TOTAL_RATE:
            return False
        self._paces[merchant], self._total = own + 1 / RATE, total + 1 / TOTAL_RATE
        return True
