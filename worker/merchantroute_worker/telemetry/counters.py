"""What this pod has done since it started: the counters of pulses and metrics, in one place."""

from _thread import LockType
from dataclasses import dataclass, field

from merchantroute_worker.runtime.threads import native_lock


@dataclass
class BlockedHub:
    """How often code held up the hub since the pod began to consume. `longest` and `latest` are seconds, `ended` is
    when the latest ended, by the caller's clock.
    """

    count: int = 0
    longest: float = 0.0
    latest: float = 0.0
    last_ended: float = 0.0

    def record(self, seconds: float, now: float) -> None:
        """One more, which ends now."""
        self.count += 1
        self.longest, self.latest, self.last_ended = max(self.longest, seconds), seconds, now


@dataclass
class Counters:
    """Cumulative counts. `finished` are attempts that made calls and ended, whatever came of them; `refused` got no
    slot from the bulkhead; `deferred` wait for something else; `retried` went to the ladder after an attempt. Times
    are the caller's clock in seconds. Any thread may count.
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
        """One more of `taken`, `finished`, `refused`, `deferred`, `retried`, `dead` or `done`."""
        with self._lock:
            self.__dict__[name] += 1

    def begin_attempt(self, now: float) -> None:
        """An attempt takes a slot."""
        with self._lock:
            self._advance(now)
            self.busy += 1

    def end_attempt(self, now: float) -> None:
        """An attempt gives its slot back."""
        with self._lock:
            self._advance(now)
            self.busy -= 1

    def busy_seconds(self, now: float) -> float:
        """The integral of busy slots over time."""
        with self._lock:
            self._advance(now)
            return self._busy_seconds

    def _advance(self, now: float) -> None:
        self._busy_seconds += self.busy * max(0.0, now - self._since)
        self._since = now
