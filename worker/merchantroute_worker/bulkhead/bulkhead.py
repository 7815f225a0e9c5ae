"""Who holds the pod's slots now: the state that the bulkhead decides on, kept per merchant while it matters.

Times are what the caller's clock says (seconds, monotonic); nothing here reads one. Each public method takes the lock
once, does no I/O and calls nobody back: under the pools `threads` and `prefork` they are called by native threads.
What is asked for each order looks at that merchant alone; the sum over slow merchants is kept for a moment.
"""

from itertools import chain, islice, takewhile

from merchantroute_worker.bulkhead import adaptive_limit
from merchantroute_worker.bulkhead.known_merchants import KnownMerchants, Merchant
from merchantroute_worker.bulkhead.neighbours import Neighbours
from merchantroute_worker.bulkhead.rule import (
    FAILURES_IN_A_ROW,
    Limits,
    Snapshot,
    Verdict,
    cap_of,
    decide,
    is_scarce,
    is_slow,
)
from merchantroute_worker.bulkhead.views import MerchantView, SlowMerchant, Totals
from merchantroute_worker.runtime.threads import native_lock

FRESH = 0.1
"""Seconds for which the sum of what slow merchants hold is kept; slots that they take or leave meanwhile count."""


class Bulkhead:
    """Slots by merchant. An idle merchant is remembered for `memory` seconds."""

    def __init__(self, limits: Limits, memory: float = 600.0) -> None:
        self.limits = limits
        self.busy = 0
        self._memory = memory
        self._known = KnownMerchants(FAILURES_IN_A_ROW)
        self._company = Neighbours()
        self._lock = native_lock()
        self._held, self._summed = 0, float("-inf")
        self._slow: set[str] = set()

    def decide(self, merchant: str, now: float) -> Verdict:
        """The bulkhead's verdict on one more order of this merchant."""
        with self._lock:
            sight = self._sight(self._known.get(merchant), now)
            if is_slow(sight, self.limits):
                # Its orders wait for nobody but itself: they are no company to others.
                return decide(sight, self.limits, busy=self.busy, held_by_slow=self._held_by_slow(now))
            self._company.saw(merchant, now)
            alone = self._company.is_alone(merchant, now)
            return decide(sight, self.limits, busy=self.busy, held_by_slow=0, alone=alone)

    def acquire(self, merchant: str, slot: object, now: float) -> None:
        """The order in `slot` (any hashable) begins."""
        with self._lock:
            state = self._known.activate(merchant)
            state.calls[slot] = now
            if merchant in self._slow:
                self._held += 1
            elif state.failures >= FAILURES_IN_A_ROW:
                self._slow.add(merchant)
                self._held += len(state.calls)
            self._turn(1, now)

    def begin_call(self, merchant: str, slot: object, now: float) -> None:
        """The order begins its next call: a call's age counts, not an order's."""
        with self._lock:
            calls = self._known.active[merchant].calls
            del calls[slot]
            calls[slot] = now

    def answered(self, merchant: str, now: float, seconds: float, *, success: bool = True) -> None:
        """The merchant answered a call in time, whatever it said. Only successes raise its cap and tell what is
        usual.
        """
        with self._lock:
            state = self._known.active[merchant]
            state.answered, state.failures = now, 0
            if success:
                state.adaptive = adaptive_limit.succeeded(
                    state.adaptive, seconds=seconds, in_flight=len(state.calls), now=now, ceiling=self.limits.cap
                )

    def timed_out(self, merchant: str, now: float) -> None:
        """A call of the merchant ran into its time-out."""
        with self._lock:
            state = self._known.active[merchant]
            state.failures += 1
            # Calls have one time-out for all: what runs into it is what began first.
            state.adaptive = adaptive_limit.timed_out(
                state.adaptive, began=now - state.oldest(now), now=now, ceiling=self.limits.cap
            )

    def failed(self, merchant: str) -> None:
        """A call of the merchant could not be made: connection refused, DNS, TLS. That is no sign of load."""
        with self._lock:
            self._known.active[merchant].failures += 1

    def release(self, merchant: str, slot: object, now: float) -> None:
        """The order in `slot` is through with its calls."""
        with self._lock:
            calls = self._known.active[merchant].calls
            del calls[slot]
            if merchant in self._slow:
                self._held -= 1
            if not calls:
                self._slow.discard(merchant)
                self._known.rest(merchant, now)
            self._turn(-1, now)

    def is_slow(self, merchant: str, now: float) -> bool:
        """Whether the merchant is slow now."""
        with self._lock:
            state = self._known.get(merchant)
            return state is not None and self._is_slow(state, now)

    def slow_names(self, now: float) -> frozenset[str]:
        """All slow merchants, cheaply, also while everybody fails."""
        with self._lock:
            holding = [name for name, state in self._known.active.items() if self._is_slow(state, now)]
            return frozenset(chain(holding, self._known.failing))

    def slow(self, now: float, most: int = 100) -> list[SlowMerchant]:
        """Slow merchants: all that hold slots, and up to `most` that failed before they became idle, latest first."""
        with self._lock:
            holding = [(name, state) for name, state in self._known.active.items() if self._is_slow(state, now)]
            return [
                SlowMerchant(merchant=name, in_flight=len(state.calls), oldest=state.oldest(now))
                for name, state in chain(holding, islice(reversed(self._known.failing.items()), most))
            ]

    def busiest(self, top: int, now: float) -> list[MerchantView]:
        """The merchants that hold most slots, for people; then those that failed, then the latest."""
        with self._lock:
            return [
                MerchantView(
                    merchant=name,
                    in_flight=len(state.calls),
                    cap=state.adaptive.within(self.limits.cap),
                    oldest=state.oldest(now),
                    usual=state.adaptive.usual,
                    successes=state.adaptive.successes,
                    timeouts=state.adaptive.timeouts,
                    failures_in_a_row=state.failures,
                    slow=self._is_slow(state, now),
                )
                for name, state in self._known.latest(top)
            ]

    def sums(self, now: float) -> Totals:
        """How many merchants are slow, at their cap, known at all."""
        with self._lock:
            sights = [self._sight(state, now) for state in self._known.active.values()]
            return Totals(
                slow=sum(is_slow(sight, self.limits) for sight in sights) + len(self._known.failing),
                at_cap=sum(sight.in_flight >= cap_of(sight, self.limits) for sight in sights),
                known=len(self._known),
            )

    def forget(self, now: float) -> None:
        """Drop merchants that have been idle for long."""
        with self._lock:
            self._known.forget(now - self._memory)

    def _turn(self, by: int, now: float) -> None:
        self.busy += by
        self._company.slots(scarce=is_scarce(self.limits.slots, self.busy), now=now)

    def _held_by_slow(self, now: float) -> int:
        if now - self._summed >= FRESH:
            states = self._known.active.items()
            self._slow = {name for name, state in states if self._is_slow(state, now)}
            self._held = sum(len(self._known.active[name].calls) for name in self._slow)
            self._summed = now
        return self._held

    def _is_slow(self, state: Merchant, now: float) -> bool:
        return is_slow(self._sight(state, now), self.limits)

    def _overdue(self, state: Merchant, now: float) -> int:
        due = now - self.limits.overdue_after
        return sum(1 for _ in takewhile(lambda start: start < due, state.calls.values()))

    def _sight(self, state: Merchant | None, now: float) -> Snapshot:
        if state is None:
            return Snapshot()
        oldest = state.oldest(now)
        return Snapshot(
            in_flight=len(state.calls),
            oldest=oldest,
            usual=state.adaptive.usual,
            overdue=self._overdue(state, now) if oldest > self.limits.overdue_after else 0,
            silence=None if state.answered is None else now - state.answered,
            failures_in_a_row=state.failures,
            cap=None if state.adaptive.cap is None else int(state.adaptive.cap),
        )
