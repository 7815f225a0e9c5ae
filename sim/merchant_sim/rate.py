"""The rate of calls that a merchant takes: so many in any second."""

from collections import deque


class Rate:
    """The times (seconds) of the calls that were taken within the last second."""

    def __init__(self) -> None:
        self._taken: deque[float] = deque()

    def takes(self, most: int, now: float) -> bool:
        """Whether another call is taken now."""
        while self._taken and self._taken[0] <= now - 1.0:
            self._taken.popleft()
        if len(self._taken) >= most:
            return False
        self._taken.append(now)
        return True
