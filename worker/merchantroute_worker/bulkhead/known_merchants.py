"""Bounded state per merchant: all with calls in flight, and an LRU cache of idle ones.

A merchant with calls has a slot, so there are at most as many as slots. Of 50,000 merchants that come and go, the last
`most` idle ones are kept. A merchant that failed several times in a row is evicted last: without its state it would get
slots again, and hang in them.
"""

from collections.abc import Iterator
from itertools import chain, islice

from merchantroute_worker.bulkhead.adaptive_limit import AdaptiveLimit, Baseline
from merchantroute_worker.bulkhead.rule import FAILURES_IN_A_ROW, overdue_after
from merchantroute_worker.bulkhead.views import Failure

MOST_IDLE = 10_000
MOST_STEPS = 64
"""Baselines of one merchant; the oldest is evicted, since the steps are those that messages name."""

MOST_ORDERS = 3
"""Orders that are remembered of answers in a row: nobody asks for more."""

Call = tuple[float, float, str]
"""The start and the time-out of a call (seconds), and its step."""
ROW_ENDS_AFTER = 60.0
"""Seconds: a step that really fails is called again by every order that comes."""


class AnswersInARow:
    """A merchant's answers of one kind in a row, by step: one whose `submit` fails may still answer every `validate`.
    `longest` is the longest row. A row to which nothing was added for a minute has ended: nobody calls that step here
    any more, be it that the route has renamed it, or that it asks about orders that went to other pods.
    """

    __slots__ = ("_rows", "longest")

    def __init__(self) -> None:
        self._rows: dict[str, tuple[int, tuple[str, ...], float]] = {}
        self.longest = 0

    def add(self, step: str, order: str | None, now: float) -> int:
        """Count an answer to a step, and give the length of its row. An order that is named counts once in a row."""
        count, orders, _ = self._rows.get(step, (0, (), now))
        if order is None or (order not in orders and len(orders) < MOST_ORDERS):
            count += 1
            orders = orders if order is None else (*orders, order)
        if step not in self._rows and len(self._rows) >= MOST_STEPS:
            del self._rows[next(iter(self._rows))]
        self._rows[step] = count, orders, now
        self._measure()
        return count

    def end(self, step: str, now: float) -> None:
        """Note another answer to the step."""
        self._rows.pop(step, None)
        for other in [other for other, (_, _, at) in self._rows.items() if now - at > ROW_ENDS_AFTER]:
            del self._rows[other]
        self._measure()

    def _measure(self) -> None:
        self.longest = max((count for count, _, _ in self._rows.values()), default=0)


class Merchant:
    """The state of one merchant. `calls` maps a slot to its present call, oldest first (a dict keeps insertion order);
    `timeout` is that of all its calls, None where they differ. `answered` is the time of the last answer, `failures`
    those in a row since; `errors` are server errors in a row, `forbidden` answers 403 in a row, `took` the time of the
    last success, all by step. `refused` counts orders that got no slot, `attempts` those that ended, and
    `failed_attempts` those among them that the merchant failed, `limited_attempts` those that it answered with 429.
    `last_failure` is for people only. Times are the caller's, in seconds.
    """

    __slots__ = (
        "answered", "attempts", "baselines", "calls", "errors", "failed_attempts", "failures", "forbidden",
        "idle_since", "last_failure", "limit", "limited_attempts", "refused", "successes", "timeout", "timeouts",
        "took",
    )  # fmt: skip

    def __init__(self) -> None:
        self.calls: dict[object, Call] = {}
        self.timeout: float | None = None
        self.limit = AdaptiveLimit()
        self.baselines: dict[str, Baseline] = {}
        self.successes = self.timeouts = 0
        self.refused = self.attempts = self.failed_attempts = self.limited_attempts = 0
        self.answered: float | None = None
        self.failures = 0
        self.errors, self.forbidden = AnswersInARow(), AnswersInARow()
        self.took: dict[str, float] = {}
        self.idle_since = 0.0
        self.last_failure: Failure | None = None

    @property
    def is_failing(self) -> bool:
        """Whether its last calls failed, or a step's were answered by server errors."""
        return self.failures >= FAILURES_IN_A_ROW or self.errors.longest >= FAILURES_IN_A_ROW

    def succeeded(self, step: str, now: float) -> None:
        """Note that a step succeeded: what was in a row there has ended."""
        self.answered_at(step, now)
        if self.forbidden.longest:
            self.forbidden.end(step, now)
        self.successes += 1
        self.took[step] = now

    def answered_at(self, step: str, now: float) -> None:
        """Note an answer of the step itself, a success or not: failures and server errors have ended."""
        self.failures = 0
        if self.errors.longest:
            self.errors.end(step, now)

    def oldest(self, now: float) -> float:
        """Give the age of the oldest call in seconds, 0 without one."""
        return max(0.0, now - next(iter(self.calls.values()))[0]) if self.calls else 0.0

    def begin(self, slot: object, call: Call) -> None:
        """Replace the slot's call, which becomes the latest one."""
        calls = self.calls
        calls.pop(slot, None)
        if not calls:
            self.timeout = call[1]
        elif call[1] != self.timeout:
            self.timeout = None
        calls[slot] = call

    def nearest(self, now: float) -> Call:
        """Give the call that used most of its time-out: the oldest, where all have the same. There must be one."""
        calls = self.calls.values()
        if self.timeout is not None:
            return next(iter(calls))
        return max(calls, key=lambda call: (now - call[0]) / call[1])

    def overdue(self, now: float) -> int:
        """Count the calls that are overdue."""
        count = 0
        for began, timeout, step in self.calls.values():
            if now - began > timeout / 2:
                count += now - began > overdue_after(self.usual(step), timeout)
            elif self.timeout is not None:
                break
        return count

    def usual(self, step: str) -> float | None:
        """Give the usual latency of a step in seconds, None before its first answer."""
        baseline = self.baselines.get(step)
        return None if baseline is None else baseline.usual

    def usual_of_all(self) -> float | None:
        """Give the usual latency of the slowest step in seconds, None before the first answer."""
        return max((baseline.usual for baseline in self.baselines.values()), default=None)

    def learn(self, step: str, baseline: Baseline) -> None:
        """Replace the baseline of a step."""
        baselines = self.baselines
        if step not in baselines and len(baselines) >= MOST_STEPS:
            evicted = next(iter(baselines))
            del baselines[evicted]
            self.took.pop(evicted, None)
        baselines[step] = baseline


class KnownMerchants:
    """Merchants by name; `failing` are idle ones whose last calls failed."""

    def __init__(self, most: int = MOST_IDLE) -> None:
        self.active: dict[str, Merchant] = {}
        self.failing: dict[str, Merchant] = {}
        self._idle: dict[str, Merchant] = {}
        self._most = most

    def __len__(self) -> int:
        return len(self.active) + len(self.failing) + len(self._idle)

    def get(self, name: str) -> Merchant | None:
        """Give the state of a merchant, None without one."""
        return self.active.get(name) or self._idle.get(name) or self.failing.get(name)

    def activate(self, name: str) -> Merchant:
        """Move a merchant to the active ones: it has calls from now on."""
        known = self.active.get(name)
        if known is None:
            known = self._idle.pop(name, None) or self.failing.pop(name, None) or Merchant()
            self.active[name] = known
        return known

    def deactivate(self, name: str, now: float) -> None:
        """Move a merchant to the idle or failing ones: it has no calls any more."""
        merchant = self.active.pop(name)
        merchant.idle_since = now
        group = self.failing if merchant.is_failing else self._idle
        group[name] = merchant
        if len(self._idle) + len(self.failing) > self._most:
            evicted = self._idle or self.failing
            del evicted[next(iter(evicted))]

    def active_since(self, since: float) -> Iterator[tuple[str, Merchant]]:
        """Give the merchants that have calls, or had some since then."""
        yield from self.active.items()
        for idle in (self._idle, self.failing):
            for name, merchant in reversed(idle.items()):
                if merchant.idle_since < since:
                    break
                yield name, merchant

    def forget(self, before: float) -> None:
        """Drop merchants that have been idle since before then."""
        for group in (self._idle, self.failing):
            while group and next(iter(group.values())).idle_since < before:
                del group[next(iter(group))]

    def latest(self, top: int) -> Iterator[tuple[str, Merchant]]:
        """Give up to `top` merchants: active ones, those with most calls first, then failing ones, then idle ones."""
        idle = chain(reversed(self.failing.items()), reversed(self._idle.items()))
        most = sorted(self.active.items(), key=lambda item: -len(item[1].calls))
        return islice(chain(most, idle), top)
