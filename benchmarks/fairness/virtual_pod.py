"""One pod in virtual time: the worker's own bulkhead and decisions, events on a heap, nobody sleeps.

What is left out: the broker, the network and the CPU but for what a refusal costs. An order that waits on a rung comes
back to the end of the queue, behind the others.
"""

import heapq
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.fairness.scenario import CALL_TIMEOUT, CEILING, DEADLINE, SLOTS, Scenario
from merchantroute_worker.bulkhead.bulkhead import Bulkhead
from merchantroute_worker.bulkhead.rule import Limits, Verdict
from merchantroute_worker.egress.rules import Egress
from merchantroute_worker.orders import decisions
from merchantroute_worker.orders.answers import Answer, table
from merchantroute_worker.orders.attempt_result import Attempt
from merchantroute_worker.orders.envelope import Journal, Order
from merchantroute_worker.orders.outcome import Outcome, ToLadder
from merchantroute_worker.orders.route import Route
from merchantroute_worker.orders.steps.step import Step
from merchantroute_worker.orders.task_body import TaskBody

REFUSAL_COST = 0.001
"""Seconds of CPU that a refusal takes, in which the pod reads no other message."""
EPOCH = 1_000_000.0
OK, UNAVAILABLE = 200, 503
DELAYS = (1_000, 15_000, 120_000)


@dataclass(kw_only=True)
class Figures:
    """What became of the orders of healthy merchants. `caps` are the lowest that each merchant came to."""

    seconds: list[float] = field(default_factory=list)
    orders: int = 0
    refused: set[str] = field(default_factory=set)
    refusals: Counter[str] = field(default_factory=Counter)
    caps: dict[str, int] = field(default_factory=dict)

    def p99(self) -> float:
        """Seconds from arrival to done."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)]


@dataclass(slots=True)
class _Order:
    order: Order
    arrived: float
    calls_left: list[float]
    """Latencies of the calls that are left, the next last."""
    unreported: list[tuple[str, float]] = field(default_factory=list)
    """Answers that a child process has got, and its parent knows nothing of."""


class VirtualPod:
    """A scenario with one seed. `caps` says whether the bulkhead is asked at all."""

    def __init__(self, scenario: Scenario, *, caps: bool, seed: int = 3) -> None:
        self._scenario, self._asks = scenario, caps
        self._random = random.Random(seed)
        self._bulkhead = Bulkhead(Limits(slots=SLOTS, ceiling=CEILING, call_timeout=CALL_TIMEOUT))
        self._route = _route()
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._queue: deque[_Order] = deque()
        self._busy = self._number = 0
        self._reads_from = 0.0
        self._calls: Counter[str] = Counter()
        self._rate = scenario.load * SLOTS / sum(scenario.steps)
        self._names = [f"m{number}" for number in range(len(scenario.weights))]
        self.figures = Figures()

    def run(self) -> Figures:
        """Run it to its end."""
        scenario = self._scenario
        self._at(self._random.expovariate(self._rate), self._arrive)
        if scenario.flood:
            when, count = scenario.flood
            for _ in range(count):
                self._at(when, self._publish, "m0")
        while self._events and self._events[0][0] <= scenario.seconds:
            now, _, event, arguments = heapq.heappop(self._events)
            event(now, *arguments)
            self._take(now)
        # Who did not get through counts with the time that it has waited so far.
        for each in self._queue:
            self._count(each, scenario.seconds)
        for _, _, _, arguments in self._events:
            for each in arguments:
                if isinstance(each, _Order) and each.order.journal.refusals:
                    self._count(each, scenario.seconds)
        return self.figures

    def _at(self, when: float, event: Callable[..., None], *arguments: Any) -> None:
        self._number += 1
        heapq.heappush(self._events, (when, self._number, event, arguments))

    def _arrive(self, now: float) -> None:
        (merchant,) = self._random.choices(self._names, self._scenario.weights)
        self._publish(now, merchant)
        self._at(now + self._random.expovariate(self._rate), self._arrive)

    def _publish(self, now: float, merchant: str) -> None:
        self._number += 1
        order = Order(
            id=f"o-{self._number}",
            merchant=merchant,
            journal=Journal(),
            published_at=EPOCH + now,
            publication=self._number,
            first_seen=None,
            body=TaskBody(order=b"{}", before=b"", embed={}, after=b""),
        )
        calls = [self._drawn(mean) for mean in reversed(self._scenario.steps)]
        if self._is_healthy(merchant):
            self.figures.orders += 1
        self._queue.append(_Order(order, now, calls))

    def _come_back(self, now: float, order: _Order) -> None:
        del now
        self._queue.append(order)

    def _go_on(self, now: float) -> None:
        """The pod reads on after a refusal; `run` lets it take what is there."""

    def _take(self, now: float) -> None:
        while self._queue and self._busy < SLOTS and now >= self._reads_from:
            each = self._queue.popleft()
            verdict = self._bulkhead.decide(each.order.merchant, now) if self._asks else Verdict.ADMIT
            if verdict is Verdict.ADMIT:
                self._begin(now, each)
            else:
                self._refuse(now, each, verdict)

    def _refuse(self, now: float, each: _Order, verdict: Verdict) -> None:
        if self._is_healthy(each.order.merchant):
            self.figures.refused.add(each.order.id)
            self.figures.refusals[verdict.value] += 1
        self._reads_from = now + REFUSAL_COST
        self._at(self._reads_from, self._go_on)
        self._settle(now, each, decisions.refused(each.order, self._route, verdict.value))

    def _begin(self, now: float, each: _Order) -> None:
        self._busy += 1
        scenario = self._scenario
        self._bulkhead.acquire(each.order.merchant, each.order.id, now, timeout=scenario.bound)
        self._call(now, each)

    def _call(self, now: float, each: _Order) -> None:
        scenario, merchant = self._scenario, each.order.merchant
        step = f"step-{len(each.calls_left)}"
        if not scenario.task and not scenario.prefork:
            self._bulkhead.begin_call(merchant, each.order.id, now, step=step)
        self._calls[merchant] += 1
        if scenario.unavailable and self._random.random() < scenario.unavailable:
            self._at(now + 0.01, self._answered, each, step, 0.01, UNAVAILABLE)
            return
        seconds = each.calls_left[-1]
        if merchant == "m0":
            if scenario.hangs and scenario.hangs[0] <= now < scenario.hangs[1]:
                seconds = float("inf")
            elif scenario.degrades and now >= scenario.degrades[0]:
                seconds *= scenario.degrades[1]
            elif scenario.bears:
                seconds *= max(1.0, self._calls["m0"] / scenario.bears)
        limit = DEADLINE if scenario.task else CALL_TIMEOUT
        if seconds > limit:
            self._at(now + limit, self._timed_out, each, now)
        else:
            self._at(now + seconds, self._answered, each, step, seconds, OK)

    def _answered(self, now: float, each: _Order, step: str, seconds: float, status: int) -> None:
        merchant = each.order.merchant
        self._calls[merchant] -= 1
        success = status == OK
        if self._scenario.prefork:
            each.unreported.append((step, seconds))
        elif success:
            self._bulkhead.answered(merchant, now, seconds, step=step)
        else:
            self._bulkhead.server_error(merchant, now, step=step, order=None)
        if not success:
            self._end(now, each, Answer(status=status))
            return
        each.calls_left.pop()
        if each.calls_left:
            self._call(now, each)
        else:
            self._end(now, each, None)

    def _timed_out(self, now: float, each: _Order, began: float) -> None:
        self._calls[each.order.merchant] -= 1
        self._bulkhead.timed_out(each.order.merchant, now, began=began)
        self._end(now, each, Answer(failure="timeout"))

    def _end(self, now: float, each: _Order, answer: Answer | None) -> None:
        for step, seconds in each.unreported:
            self._bulkhead.answered(each.order.merchant, now, seconds, step=step)
        each.unreported.clear()
        health = self._bulkhead.health(each.order.merchant, now)
        self._note_caps()
        self._bulkhead.release(each.order.merchant, each.order.id, now)
        self._busy -= 1
        result = Attempt(done=(), answer=answer)
        draw = self._random.random()
        outcome = decisions.after_attempt(each.order, result, self._route, health=health, draw=draw, now=EPOCH + now)
        self._settle(now, each, outcome)

    def _settle(self, now: float, each: _Order, outcome: Outcome[Order]) -> None:
        if not isinstance(outcome, ToLadder):
            self._count(each, now)
            return
        each.order = outcome.order
        self._at(now + outcome.rung / 1000, self._come_back, each)

    def _count(self, each: _Order, now: float) -> None:
        if self._is_healthy(each.order.merchant):
            self.figures.seconds.append(now - each.arrived)

    def _is_healthy(self, merchant: str) -> bool:
        return merchant != "m0" or not self._scenario.odd

    def _drawn(self, mean: float) -> float:
        sigma = self._scenario.noise
        return mean * self._random.lognormvariate(-sigma * sigma / 2, sigma)

    def _note_caps(self) -> None:
        if self._number % 50 == 0:
            for shown in self._bulkhead.busiest(len(self._names), 0.0):
                lowest = self.figures.caps.get(shown.merchant, CEILING)
                self.figures.caps[shown.merchant] = min(lowest, shown.cap)


def _route() -> Route:
    return Route(
        generation=1,
        rendered_at=0.0,
        front_door="",
        router="",
        dead="",
        suspect="",
        pulses="",
        insecure_hosts=("*",),
        egress=Egress(),
        steps=(Step(name="submit", method="POST", path="/"),),
        call_timeout=CALL_TIMEOUT,
        deadline=DEADLINE,
        max_age=86_400.0,
        max_attempts=1_000,
        delays=DELAYS,
        retry_after_max=600.0,
        table=table({}),
        default_tier="",
        default_endpoint=None,
        tiers={},
        merchants={},
        credentials={},
    )
