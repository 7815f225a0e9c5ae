"""Whether a merchant has this pod to itself. Pure: times are the caller's, in seconds.

A cap shares slots that are scarce. Where nobody else wants one, it only sends orders away that could be worked: a tier
fed by one merchant would have most of its slots idle. But those who wait behind a full pod cannot be seen from within
it. So a merchant is alone only if no other was seen for a while, and if the pod was not scarce a while ago: a pod with
free slots has emptied its queue, so whoever waits now came later, and waits no longer than that while.
"""

ALONE_AFTER = 10.0
"""Seconds without another merchant's order."""
FULL_FOR = 10.0
"""Seconds that others, unseen, might wait behind a merchant that has all slots."""


class Neighbours:
    """Who was seen last, who before, and since when slots are scarce."""

    def __init__(self) -> None:
        self._last: str | None = None
        self._seen = 0.0
        self._another_seen: float | None = None
        self._scarce_since: float | None = None

    def saw(self, merchant: str, now: float) -> None:
        """An order of this merchant came."""
        if merchant != self._last:
            self._another_seen = None if self._last is None else self._seen
            self._last = merchant
        self._seen = now

    def slots(self, *, scarce: bool, now: float) -> None:
        """A slot was taken or given back: whether they are scarce since."""
        if not scarce:
            self._scarce_since = None
        elif self._scarce_since is None:
            self._scarce_since = now

    def is_alone(self, merchant: str, now: float) -> bool:
        """Whether nobody else is kept waiting when this merchant takes one slot more."""
        if merchant != self._last:
            return False
        if self._another_seen is not None and now - self._another_seen < ALONE_AFTER:
            return False
        return self._scarce_since is None or now - self._scarce_since < FULL_FOR
