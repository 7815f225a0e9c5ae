"""Bulkhead: limits how many of a pod's slots one merchant can occupy (resilience4j's term; the rule is in rule.py).

Times are monotonic seconds of the caller's clock; nothing here reads one. Each public method acquires the lock once,
does no I/O and calls nothing back: with the pools `threads` and `prefork` native threads call them. A decision looks at
its merchant alone; the sum over slow merchants is cached for a moment.
"""

from collections.abc import Collection
from itertools import chain, islice

from merchantroute_worker.bulkhead import adaptive_limit
from merchantroute_worker.bulkhead.adaptive_limit import Baseline
from merchantroute_worker.bulkhead.fair_share import fair_share
from merchantroute_worker.bulkhead.known_merchants import KnownMerchants, Merchant
from merchantroute_worker.bulkhead.merchant_figures import RecentMerchants, active, figures, view
from merchantroute_worker.bulkhead.merchant_refusals import MerchantRefusals
from merchantroute_worker.bulkhead.name_failures import NameFailures
from merchantroute_worker.bulkhead.neighbours import Neighbours
from merchantroute_worker.bulkhead.rule import (
    FAILURES_IN_A_ROW,
    NO_SLOT,
    Limits,
    Snapshot,
    Verdict,
    cap_of,
    decide,
    is_scarce,
    is_slow,
)
from merchantroute_worker.bulkhead.views import Failure, MerchantView, PodFigures, SlowMerchant, Totals
from merchantroute_worker.orders.attempt_result import MerchantHealth
from merchantroute_worker.runtime.threads import native_lock

FRESH = 0.1
"""Seconds for which the number of slots of slow merchants is cached; acquires and releases meanwhile are counted."""
NO_BASELINE = Baseline()
HEALTHY_FOR = 10.0
"""Seconds after a success of a step for which a 403 to it may concern its order alone."""
LOOK_AGAIN = 0.25
"""Seconds after which an order asks again that waits because slow merchants have half of the slots."""


class Bulkhead:
    """The slots of one pod by merchant. The state of an idle merchant is kept for `memory` seconds."""

    def __init__(self, limits: Limits, memory: float = 600.0) -> None:
        self.limits = limits
        self.refusals = MerchantRefusals()
        self.busy = 0
        self._memory = memory
        self._known = KnownMerchants()
        self._neighbours = Neighbours()
        self._name_failures = NameFailures()
        self._lock = native_lock()
        self._slots_of_slow, self._summed = 0, float("-inf")
        self._slow: set[str] = set()
        self._recent = RecentMerchants()

    def decide(self, merchant: str, now: float, *, own_task: bool = False, own_queue: bool = False) -> Verdict:
        """Decide on one more slot for this merchant. No pod sees the calls of an app's `own_task`: it cannot ask
        whether the credentials are accepted again, so it does not wait for that. An order of the merchant's `own_queue`
        is within its share, so that it is refused by the merchant only.
        """
        verdict = self.refusals.verdict(merchant, now, credentials=not own_task, own_queue=own_queue)
        if verdict is None:
            verdict = Verdict.ADMIT if own_queue else self._decide(merchant, now)
        if verdict is Verdict.ADMIT:
            if not own_task:
                self.refusals.asks_again(merchant, now)
        elif verdict in NO_SLOT:
            with self._lock:
                self._recent.refused(merchant, self._known.get(merchant), now)
        return verdict

    def wait_in_own_queue(self, merchant: str, now: float, *, own_task: bool) -> float:
        """Give the seconds until an order of the merchant's own queue may begin, and count it as begun if that is 0. It
        waits while its merchant takes none, and while it is slow and slow merchants have half of the slots.
        """
        with self._lock:
            state = self._known.get(merchant)
            slow = state is not None and self._is_slow(state, now)
            if slow and self._count_slow(now) * 2 >= self.limits.slots:
                return LOOK_AGAIN
            if not slow:
                self._neighbours.saw(merchant, now)
        if self.decide(merchant, now, own_task=own_task, own_queue=True) is Verdict.ADMIT:
            return 0.0
        return max(LOOK_AGAIN, self.refusals.wait(merchant, now, own_queue=True))

    def _decide(self, merchant: str, now: float) -> Verdict:
        with self._lock:
            snapshot = self._snapshot(self._known.get(merchant), now)
            if is_slow(snapshot, self.limits):
                # Its orders wait for itself and for no slot, so it is no neighbour of others.
                return decide(snapshot, self.limits, busy=self.busy, slots_of_slow=self._count_slow(now))
            self._neighbours.saw(merchant, now)
            alone = self._neighbours.is_alone(merchant, now)
            share = 0.0 if alone or snapshot.in_flight < self.limits.cap else self._fair_share(merchant, now)
            return decide(snapshot, self.limits, busy=self.busy, slots_of_slow=0, alone=alone, share=share)

    def acquire(self, merchant: str, slot: object, now: float, *, timeout: float | None = None, step: str = "") -> None:
        """Acquire a slot for an order; `slot` is any hashable that names it. `timeout` bounds each of its calls
        (seconds, None for the pod's), and a call is compared with others of its `step`.
        """
        with self._lock:
            state = self._known.activate(merchant)
            state.begin(slot, (now, self.limits.call_timeout if timeout is None else timeout, step))
            if merchant in self._slow:
                self._slots_of_slow += 1
            elif state.is_failing:
                self._slow.add(merchant)
                self._slots_of_slow += len(state.calls)
            self._change_busy(1, now)

    def begin_call(self, merchant: str, slot: object, now: float, *, step: str = "") -> None:
        """Note that an order begins its next call: the rule counts the age of calls, not of orders."""
        with self._lock:
            state = self._known.active[merchant]
            state.begin(slot, (now, state.calls[slot][1], step))

    def answered(self, merchant: str, now: float, seconds: float, *, success: bool = True, step: str = "") -> None:
        """Note that the merchant answered a call in time. Only a success counts for the adaptive limit."""
        with self._lock:
            state = self._known.active[merchant]
            state.answered = now
            # Whatever it says of the order: the merchant looked at it.
            self.refusals.accepted(merchant, step)
            if not success:
                state.answered_at(step, now)
            else:
                state.succeeded(step, now)
                state.limit, baseline = adaptive_limit.succeeded(
                    state.limit,
                    state.baselines.get(step, NO_BASELINE),
                    seconds=seconds,
                    in_flight=len(state.calls),
                    now=now,
                    ceiling=self.limits.cap,
                )
                state.learn(step, baseline)

    def server_error(self, merchant: str, now: float, *, step: str, order: str | None) -> None:
        """Note that the merchant answered a call with a server error. It counts as a failure of the merchant: of any
        order's call, or of this `order`'s once in a row.
        """
        with self._lock:
            state = self._known.active[merchant]
            state.answered = now
            state.errors.add(step, order, now)

    def asked_to_wait(self, merchant: str, now: float, *, began: float, seconds: float | None) -> None:
        """Note that the merchant asked for time in answer to a call that began then."""
        with self._lock:
            self._known.active[merchant].answered = now
        self.refusals.asked_to_wait(merchant, now, began=began, seconds=seconds)

    def credentials_refused(
        self, merchant: str, now: float, *, credential: object, step: str, began: float, order: str | None
    ) -> None:
        """Note that the merchant refused the credential in a call that began then. With an `order` it may concern that
        order alone: it does if the merchant took the same step of another one just now.
        """
        with self._lock:
            state = self._known.active[merchant]
            state.answered = now
            if order is not None:
                others = state.forbidden.add(step, order, now) >= FAILURES_IN_A_ROW
                if not others and now - state.took.get(step, float("-inf")) <= HEALTHY_FOR:
                    return
        self.refusals.refused_credentials(merchant, now, credential=credential, step=step, began=began)

    def timed_out(self, merchant: str, now: float, *, began: float | None = None) -> None:
        """Note that a call of the merchant, the oldest unless `began` says otherwise, ran into its time-out."""
        with self._lock:
            state = self._known.active[merchant]
            state.failures += 1
            state.timeouts += 1
            began = now - state.oldest(now) if began is None else began
            state.limit = adaptive_limit.timed_out(state.limit, began=began, now=now, ceiling=self.limits.cap)

    def failed(self, merchant: str) -> None:
        """Note that a call could not be made: connection refused, TLS. That does not count as load."""
        with self._lock:
            self._known.active[merchant].failures += 1

    def name_failed(self, merchant: str, now: float) -> None:
        """Note that the merchant's name did not resolve. It counts as any failure, unless our own name server fails."""
        with self._lock:
            self._name_failures.failed(merchant, now)
            if not self._name_failures.are_our_own(now):
                self._known.active[merchant].failures += 1

    def note_failure(self, merchant: str, failure: Failure) -> None:
        """Keep the merchant's latest failure for `/merchants`; it has no effect on the rule."""
        with self._lock:
            self._known.active[merchant].last_failure = failure

    def attempted(self, merchant: str, *, failed: bool, limited_at: float | None = None) -> None:
        """Count an attempt that ended, whether the merchant failed it, and when by 429, while it has its slot."""
        with self._lock:
            state = self._known.active[merchant]
            state.attempts += 1
            state.failed_attempts += failed
            if limited_at is not None:
                self._recent.limited(merchant, state, limited_at)

    def release(self, merchant: str, slot: object, now: float) -> None:
        """Release the slot of an order whose calls are over."""
        with self._lock:
            calls = self._known.active[merchant].calls
            del calls[slot]
            if merchant in self._slow:
                self._slots_of_slow -= 1
            if not calls:
                self._slow.discard(merchant)
                self._known.deactivate(merchant, now)
            self._change_busy(-1, now)

    def is_slow(self, merchant: str, now: float) -> bool:
        """Whether the merchant is slow now."""
        with self._lock:
            state = self._known.get(merchant)
            return state is not None and self._is_slow(state, now)

    def health(self, merchant: str, now: float) -> MerchantHealth:
        """Judge the merchant by its run, for an attempt that failed."""
        with self._lock:
            state = self._known.get(merchant)
            return MerchantHealth(
                slow=state is not None and self._is_slow(state, now),
                wait=self.refusals.wait(merchant, now),
                credentials_refused=self.refusals.refuses_credentials(merchant),
                names_fail=self._name_failures.are_our_own(now),
            )

    def slow_names(self, now: float) -> frozenset[str]:
        """Give the names of all slow merchants; cheap also while every merchant fails."""
        with self._lock:
            holding = [name for name, state in self._known.active.items() if self._is_slow(state, now)]
            return frozenset(chain(holding, self._known.failing))

    def slow(self, now: float, most: int = 100) -> list[SlowMerchant]:
        """Give the slow merchants: all with slots, and up to `most` idle ones that failed, latest first."""
        with self._lock:
            holding = [(name, state) for name, state in self._known.active.items() if self._is_slow(state, now)]
            return [
                SlowMerchant(merchant=name, in_flight=len(state.calls), oldest=state.oldest(now))
                for name, state in chain(holding, islice(reversed(self._known.failing.items()), most))
            ]

    def busiest(self, top: int, now: float) -> list[MerchantView]:
        """Give views of merchants for people: those with most slots, then those that failed, then the latest."""
        with self._lock:
            return [
                view(name, state, self.refusals, ceiling=self.limits.cap, slow=self._is_slow(state, now), now=now)
                for name, state in self._known.latest(top)
            ]

    def sums(self, now: float) -> Totals:
        """Count the merchants that are slow, at their cap, and known."""
        with self._lock:
            snapshots = [self._snapshot(state, now) for state in self._known.active.values()]
            return Totals(
                slow=sum(is_slow(snapshot, self.limits) for snapshot in snapshots) + len(self._known.failing),
                at_cap=sum(snapshot.in_flight >= cap_of(snapshot, self.limits) for snapshot in snapshots),
                known=len(self._known),
                paused=len(self.refusals.paused(now)),
                credentials_refused=len(self.refusals.refusing_credentials()),
            )

    def figures(self, now: float, own: Collection[str], most: int) -> PodFigures:
        """Give what the operator decides from; of the merchants that matter, or have an `own` queue here, `most`."""
        with self._lock:
            return PodFigures(
                active=active(self._known, self._is_slow, now),
                fair_share=max(1, min(self.limits.slots, int(self._fair_share(None, now)))),
                merchants=figures(
                    self._known, self._recent.names(now), own, self._is_slow, self.refusals, now=now, most=most
                ),
            )

    def forget(self, now: float) -> None:
        """Drop the state of merchants that have been idle for `memory` seconds."""
        with self._lock:
            self._known.forget(now - self._memory)
        self.refusals.forget(now)

    def _change_busy(self, by: int, now: float) -> None:
        self.busy += by
        self._neighbours.slots(scarce=is_scarce(self.limits.slots, self.busy), now=now)

    def _count_slow(self, now: float) -> int:
        if now - self._summed >= FRESH:
            states = self._known.active.items()
            self._slow = {name for name, state in states if self._is_slow(state, now)}
            self._slots_of_slow = sum(len(self._known.active[name].calls) for name in self._slow)
            self._summed = now
        return self._slots_of_slow

    def _is_slow(self, state: Merchant, now: float) -> bool:
        return is_slow(self._snapshot(state, now), self.limits)

    def _fair_share(self, merchant: str | None, now: float) -> float:
        """The slots for this merchant, or for one more, beside the others that have some; without any others, a quarter
        stays free for those that have none at the moment. A slow merchant's slots are not shared, and it gets no more.
        """
        slots_of_slow = self._count_slow(now)
        others = [
            len(state.calls)
            for name, state in self._known.active.items()
            if name != merchant and name not in self._slow
        ]
        return fair_share(others, self.limits.slots - slots_of_slow) if others else self.limits.slots * 3 / 4

    def _snapshot(self, state: Merchant | None, now: float) -> Snapshot:
        if state is None:
            return Snapshot()
        oldest, overdue, usual, timeout = 0.0, 0, None, None
        if state.calls:
            began, timeout, step = state.nearest(now)
            oldest, usual = max(0.0, now - began), state.usual(step)
            overdue = state.overdue(now) if oldest > timeout / 2 else 0
        cap = state.limit.cap
        return Snapshot(
            in_flight=len(state.calls),
            oldest=oldest,
            overdue=overdue,
            silence=None if state.answered is None else now - state.answered,
            usual=usual,
            failures_in_a_row=max(state.failures, state.errors.longest) if state.is_failing else state.failures,
            cap=None if cap is None else int(cap),
            timeout=timeout,
        )
