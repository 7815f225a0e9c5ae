"""Detects whether names fail to resolve for a reason of our own. Pure: times are the caller's, in seconds.

A merchant's name may be gone. But where the names of several merchants fail within seconds, the pod's name server or
its network is the cause: then no merchant is slow for it, and no order's attempt counts.
"""

MERCHANTS, WITHIN = 3, 10.0
"""So many merchants within so many seconds are no coincidence."""


class NameFailures:
    """The latest failure to resolve a name of each of the last few merchants that had one."""

    def __init__(self) -> None:
        self._latest: dict[str, float] = {}

    def failed(self, merchant: str, now: float) -> None:
        """Note that the merchant's name did not resolve."""
        self._latest.pop(merchant, None)
        self._latest[merchant] = now
        if len(self._latest) > MERCHANTS:
            del self._latest[next(iter(self._latest))]

    def are_our_own(self, now: float) -> bool:
        """Whether so many merchants' names failed of late that no merchant is the cause."""
        latest = self._latest.values()
        return len(latest) == MERCHANTS and now - next(iter(latest)) <= WITHIN
