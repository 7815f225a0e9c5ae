"""The cumulative counters of a pod, as its pulses send them."""

from _thread import LockType
from dataclasses import dataclass, field

from merchantroute_worker.runtime.threads import native_lock


@dataclass
class BlockedHub:
    """How often code has blocked gevent's hub since the pod began to consume. `longest` and `latest` are seconds;
    `last_ended` is when the latest block ended, by the caller's clock.
    """

    count: int = 0
    longest: float = 0.0
    latest: float = 0.0
    last_ended: float = 0.0

    def record(self, seconds: float, now: float) -> None:
        """Count a block that ends now."""
        self.count += 1
        self.longest, self.latest, self.last_ended = max(self.longest, seconds), seconds, now


@dataclass
class Counters:
    """Cumulative counts, safe for threads. `finished` are attempts that made calls and ended, with whatever outcome;
    `refused` orders got no slot from the bulkhead; `deferred` wait for something else; `retried` went to the ladder
    after an attempt. Times are the caller's clock in seconds.
    """

    taken: int = 0
    finished: int = 0
    refused: int = 0
    deferred: int = 0
    retried: int = 0
    dead: int = 0
    done: int = 0
    busy: int = 0
    _busy_seconds: float = field(default=0.0)
    _since: float = field(default=0.0)
    _lock: LockType = field(default_factory=native_lock, repr=False)

    def count(self, name: str) -> None:
        """Increment `taken`, `finished`, `refused`, `deferred`, `retried`, `dead` or `done`."""
        with self._lock:
            self.__dict__[name] += 1

    def begin_attempt(self, now: float) -> None:
        """Count a slot as busy."""
        with self._lock:
            self._advance(now)
            self.busy += 1

    def end_attempt(self, now: float) -> None:
        """Count a slot as free again."""
        with self._lock:
            self._advance(now)
            self.busy -= 1

    def busy_seconds(self, now: float) -> float:
        """The integral of busy slots over time, in slot-seconds."""
        with self._lock:
            self._advance(now)
            return self._busy_seconds

    def _advance(self, now: float) -> None:
        self._busy_seconds += self.busy * max(0.0, now - self._since)
        self._since = now
