"""Paces how refused orders of a slow merchant come back. Pure: times are the caller's.

Above 5 refusals a second they return one every 40 ms, in order; below that they use the normal rung, so that another
merchant's flood does not delay them. Without pacing, orders that are refused together would come back from their rung
together, stand before all others in the lane's queue, and be refused again. A quorum queue expires messages at its head
only, so delays end in the order in which they are given: one long delay would block the shorter ones behind it.
"""

from math import ceil

SPACING = 0.04
"""Seconds between two returns, on average: 25 a second and pod."""
BATCH = 5 * SPACING
"""Seconds between two batches of returns: those of a batch share one hub turn, one read and one write of acks, and are
few enough to delay another merchant's order by some milliseconds only."""
LONGEST = 600.0
"""Longest delay in seconds, reached with 15,000 orders a pod. Beyond that, returns come closer together."""
RATE, BURST = 5.0, 25
"""Refusals a second of one merchant, and how many at once, that use the normal rung."""
TOTAL_RATE, TOTAL_BURST = 40.0, 200
"""The same for all merchants together."""
MOST_MERCHANTS = 4096
"""Merchants with a rate of their own; the orders of any further one are paced."""


class ReturnPacer:
    """The pacer of one pod."""

    def __init__(self) -> None:
        self._last = 0.0
        self._total = 0.0
        self._paces: dict[str, float] = {}

    def pace(self, merchant: str, now: float, *, soonest: float) -> int | None:
        """Give the delay in milliseconds of an order that is refused now, at least ``soonest`` (seconds); None where it
        uses its rung. ``now`` is monotonic seconds.
        """
        if self._is_within_rate(merchant, now):
            return None
        self._last = min(max(now + soonest, self._last + SPACING), now + max(soonest, LONGEST))
        return round((ceil(self._last / BATCH) * BATCH - now) * 1000)

    def _is_within_rate(self, merchant: str, now: float) -> bool:
        """Whether the merchant is within its rate, and all together within theirs (GCRA, ITU-T I.371)."""
        if len(self._paces) >= MOST_MERCHANTS and merchant not in self._paces:
            self._paces = {name: due for name, due in self._paces.items() if due > now}
            if len(self._paces) >= MOST_MERCHANTS:
                return False
        own, total = max(self._paces.get(merchant, now), now), max(self._total, now)
        if own - now > (BURST - 0.5) / RATE or total - now > (TOTAL_BURST - 0.5) / TOTAL_RATE:
            return False
        self._paces[merchant], self._total = own + 1 / RATE, total + 1 / TOTAL_RATE
        return True
