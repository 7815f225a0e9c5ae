"""A rate of orders as a token bucket: what may begin at once, and when the next one may.

Pure: times are the caller's, in seconds.
"""


class TokenBucket:
    """Tokens of one rate: `rate` a second, `burst` of them at most, and all of those at the start. None is no limit."""

    def __init__(self, rate: float | None, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._filled_at = burst, now
        self._stopped = False

    def change(self, rate: float | None, burst: float, now: float) -> None:
        """Go on at another rate, with the tokens that are there: a change of the number of pods gives none away."""
        self._fill(now)
        if self._rate is None:
            self._tokens = burst
        self._rate, self._burst, self._stopped = rate, burst, False
        self._tokens = min(self._tokens, burst)

    def stop(self, now: float) -> None:
        """Gain nothing until the next change: others have the rate meanwhile."""
        self._fill(now)
        self._stopped = True

    def wait(self, now: float) -> float:
        """Give the seconds until there is a token, 0 if there is one."""
        if self._rate is None:
            return 0.0
        self._fill(now)
        # What is missing by rounding alone would never be filled by the next look.
        return 0.0 if self._tokens > 1 - 1e-9 else (1 - self._tokens) / self._rate

    def take(self) -> None:
        """Take a token; there must be one."""
        if self._rate is not None:
            self._tokens -= 1

    def _fill(self, now: float) -> None:
        # Threads that wait for one another come with times in any order.
        if now <= self._filled_at:
            return
        if self._rate is not None and not self._stopped:
            self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
