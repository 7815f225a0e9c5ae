"""Detects whether one merchant has this pod to itself. Pure: times are the caller's, in seconds.

A cap shares scarce slots between merchants. Where no other merchant has orders, it would only refuse orders that could
be carried out: a tier with one busy merchant would leave most of its slots idle. But orders that wait in the queue
behind a full pod are not visible to it. So a merchant is alone only if no order of another came for ALONE_AFTER, and if
slots were free within FULL_FOR: a pod with free slots has emptied its queue, so an order that waits now came later, and
has waited no longer than that.
"""

ALONE_AFTER = 10.0
"""Seconds without another merchant's order."""
FULL_FOR = 10.0
"""Seconds that orders of others may wait, invisibly, behind a merchant that has all slots."""


class Neighbours:
    """The merchant of the last order, the time of the last order of another one, and since when slots are scarce."""

    def __init__(self) -> None:
        self._last: str | None = None
        self._seen = 0.0
        self._another_seen: float | None = None
        self._scarce_since: float | None = None

    def saw(self, merchant: str, now: float) -> None:
        """Note that an order of this merchant came."""
        if merchant != self._last:
            self._another_seen = None if self._last is None else self._seen
            self._last = merchant
        self._seen = now

    def slots(self, *, scarce: bool, now: float) -> None:
        """Note whether slots are scarce, after one was acquired or released."""
        if not scarce:
            self._scarce_since = None
        elif self._scarce_since is None:
            self._scarce_since = now

    def is_alone(self, merchant: str, now: float) -> bool:
        """Whether no order of another merchant has to wait when this one gets another slot."""
        if merchant != self._last:
            return False
        if self._another_seen is not None and now - self._another_seen < ALONE_AFTER:
            return False
        return self._scarce_since is None or now - self._scarce_since < FULL_FOR
