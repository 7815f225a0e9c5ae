"""What a pod remembers of merchants, bounded: all that have calls in flight, and of the idle ones those used last.

A merchant with calls holds a slot, so there are at most as many as slots. Of 50,000 merchants that come and go, the
last `most` idle ones are kept. A merchant that failed several times in a row is kept longest of all: forgotten, it
would be given slots again to hang in.
"""

from collections.abc import Iterator
from itertools import chain, islice

from merchantroute_worker.bulkhead.adaptive_limit import AdaptiveLimit

MOST_IDLE = 10_000


class Merchant:
    """One merchant. `calls` maps a slot to the start of its present call, oldest start first (a dict keeps insertion
    order). `answered` is when it last answered, `failures` those in a row since; times are the caller's, in seconds.
    """

    __slots__ = ("adaptive", "answered", "calls", "failures", "idle_since")

    def __init__(self) -> None:
        self.calls: dict[object, float] = {}
        self.adaptive = AdaptiveLimit()
        self.answered: float | None = None
        self.failures = 0
        self.idle_since = 0.0

    def oldest(self, now: float) -> float:
        """The age of its oldest call in seconds, 0 without one."""
        return max(0.0, now - next(iter(self.calls.values()), now))


class KnownMerchants:
    """Merchants by name. `failing_from` is the number of failures in a row that makes an idle merchant failing."""

    def __init__(self, failing_from: int, most: int = MOST_IDLE) -> None:
        self.active: dict[str, Merchant] = {}
        self.failing: dict[str, Merchant] = {}
        self._idle: dict[str, Merchant] = {}
        self._failing_from, self._most = failing_from, most

    def __len__(self) -> int:
        return len(self.active) + len(self.failing) + len(self._idle)

    def get(self, name: str) -> Merchant | None:
        """What is known of it, None if nothing."""
        return self.active.get(name) or self._idle.get(name) or self.failing.get(name)

    def activate(self, name: str) -> Merchant:
        """It has calls from now on."""
        known = self.active.get(name)
        if known is None:
            known = self._idle.pop(name, None) or self.failing.pop(name, None) or Merchant()
            self.active[name] = known
        return known

    def rest(self, name: str, now: float) -> None:
        """It has none any more."""
        merchant = self.active.pop(name)
        merchant.idle_since = now
        where = self.failing if merchant.failures >= self._failing_from else self._idle
        where[name] = merchant
        if len(self._idle) + len(self.failing) > self._most:
            crowd = self._idle or self.failing
            del crowd[next(iter(crowd))]

    def forget(self, before: float) -> None:
        """Drop those that are idle since then."""
        for crowd in (self._idle, self.failing):
            while crowd and next(iter(crowd.values())).idle_since < before:
                del crowd[next(iter(crowd))]

    def latest(self, top: int) -> Iterator[tuple[str, Merchant]]:
        """Those with calls, then failing ones, then the others, up to `top` in all."""
        rest = chain(reversed(self.failing.items()), reversed(self._idle.items()))
        most = sorted(self.active.items(), key=lambda item: -len(item[1].calls))
        return islice(chain(most, rest), top)
