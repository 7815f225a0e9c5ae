"""A tier in virtual time: orders arrive, pods take them from the lane's queue and from own queues, merchants answer.

Left out are the broker, the network, and the CPU but for what a refusal costs. Who has the most free slots takes next,
as consumers with a prefetch of their slots do. In a pod the lane and the own queues take turns, among own queues the
one with fewest orders in flight is first.
"""

import heapq
import random
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Literal

from benchmarks.isolation.fleet_orders import FleetOrder, Happened
from benchmarks.isolation.fleet_pod import FleetPod
from benchmarks.isolation.isolation_scenarios import CALL_TIMEOUT, FAULT_AT, IsolationScenario
from merchantroute_worker.bulkhead.rule import NO_SLOT, Verdict
from merchantroute_worker.orders import ladder

PolicyName = Literal["fifo", "today", "own", "fewest", "ideal"]
"""One queue and no bulkhead; the bulkhead and its rungs; own queues; own queues where in a pod the next order is that
of the merchant with fewest in flight, whether it waits in the lane or in an own queue; a queue per merchant, from which
whoever has fewest in flight is served.
"""
OPERATED = frozenset({"own", "fewest"})
REFUSAL_COST = 0.001
EPOCH = 1_000_000.0
AT_ONCE = 0.02
"""Seconds that an order takes through the router to an own queue."""
DELAYS = (1_000, 15_000, 120_000)
SOON, SOONEST = 3, 1.0
"""How often an order that got no slot waits for a second, before it waits as long as today."""
FLAP = 5.0


class Fleet:
    """A scenario under one policy. With own queues somebody else has to operate it: see `operator_in_time`."""

    def __init__(self, scenario: IsolationScenario, policy: PolicyName, seed: int = 3) -> None:
        self.scenario, self.policy = scenario, policy
        self.now = 0.0
        self.pods: list[FleetPod] = []
        self.lane: deque[FleetOrder] = deque()
        self.own: dict[int, deque[FleetOrder]] = {}
        self.bound: set[int] = set()
        self.happened = Happened()
        self.in_flight: Counter[int] = Counter()
        self._random = random.Random(seed)
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._number = 0
        self._arrived_odd: list[float] = []
        self._taken: dict[int, tuple[float, float]] = {}
        self._merchants = list(range(len(scenario.weights)))
        cumulated, total = [], 0.0
        for weight in scenario.weights:
            total += weight
            cumulated.append(total)
        self._cumulated = cumulated
        self._rate = scenario.load * scenario.pods * scenario.slots / sum(scenario.steps)
        self.resize(scenario.pods)

    def at(self, when: float, event: Callable[..., None], *arguments: Any) -> None:
        """Have something happen then."""
        self._number += 1
        heapq.heappush(self._events, (when, self._number, event, arguments))

    def run(self) -> Happened:
        """Run the scenario to its end."""
        self.at(self._random.expovariate(self._rate), self._arrive)
        if self.scenario.flood:
            first, count = self.scenario.flood
            for merchant in range(first, first + self.scenario.flooded):
                self.at(FAULT_AT, self._flood, merchant, count)
        for when, pods in self.scenario.scale.items():
            self.at(when, self.resize, pods)
        while self._events and self._events[0][0] <= self.scenario.seconds:
            self.now, _, event, arguments = heapq.heappop(self._events)
            event(*arguments)
            self._take()
        return self.happened

    def resize(self, pods: int) -> None:
        """Start pods, or have the last ones end when their orders are over."""
        staying = [pod for pod in self.pods if not pod.ending]
        for pod in staying[pods:]:
            pod.ending = True
        for _ in range(pods - len(staying)):
            self._number += 1
            name = f"pod-{self._number}"
            started = int((EPOCH + self.now) * 1000)
            self.pods.append(FleetPod(name, self.scenario.slots, CALL_TIMEOUT, started, self.scenario.one_host))
        self.pods = [pod for pod in self.pods if not pod.ending or pod.busy]

    def put(self, order: FleetOrder) -> None:
        """Route an order as the router does."""
        if self.policy == "ideal" or order.merchant in self.bound:
            self.own.setdefault(order.merchant, deque()).append(order)
        else:
            self.lane.append(order)

    def orders_of_odd_until(self, when: float) -> int:
        """How many orders of merchants with faults, floods or limits had arrived by then."""
        return sum(arrived <= when for arrived in self._arrived_odd)

    def _arrive(self) -> None:
        (merchant,) = self._random.choices(self._merchants, cum_weights=self._cumulated)
        self._publish(merchant)
        self.at(self.now + self._random.expovariate(self._rate), self._arrive)

    def _flood(self, merchant: int, count: int) -> None:
        for _ in range(count):
            self._publish(merchant)

    def _publish(self, merchant: int) -> None:
        self._number += 1
        sigma = self.scenario.noise
        mean = -sigma * sigma / 2
        latencies = [step * self._random.lognormvariate(mean, sigma) for step in reversed(self.scenario.steps)]
        self.happened.orders[merchant] += 1
        if merchant in self.scenario.odd:
            self._arrived_odd.append(self.now)
        self.put(FleetOrder(self._number, merchant, self.now, latencies))

    # ------------------------------------------------------------------------------------------------ taking orders

    def _take(self) -> None:
        if self.policy == "ideal":
            self._take_ideal()
            return
        while True:
            free = [pod for pod in self.pods if pod.busy < pod.slots and not pod.ending and pod.reads_from <= self.now]
            free.sort(key=lambda pod: pod.busy - pod.slots)
            if not any(self._next(pod) for pod in free):
                return

    def _next(self, pod: FleetPod) -> bool:
        """Let the pod take one order, if there is one for it."""
        own = self._own_ready(pod)
        if own is not None and self.lane and not self._own_first(pod, own):
            own = None
        pod.own_was_last = own is not None
        if own is not None:
            part = pod.parts[own]
            part.tokens -= 1
            self._begin(pod, self.own[own].popleft())
            pod.without_work = 0
            return True
        if not self.lane:
            return False
        if not self._from_lane(pod, self.lane.popleft()):
            pod.without_work += 1
            pod.own_was_last = pod.without_work <= pod.slots
        return True

    def _own_first(self, pod: FleetPod, own: int) -> bool:
        if self.policy == "own":
            return not pod.own_was_last
        return pod.running[own] < pod.running[self.lane[0].merchant]

    def _own_ready(self, pod: FleetPod) -> int | None:
        best, fewest = None, 0
        for merchant, part in pod.parts.items():
            running = pod.running[merchant]
            if running >= part.part or not self.own.get(merchant) or part.not_before > self.now:
                continue
            if best is not None and running >= fewest:
                continue
            wait = part.wait(self.now) or pod.pause(merchant, self.now)
            if wait > 0:
                part.not_before = self.now + wait
                self.at(part.not_before, self._look)
                continue
            best, fewest = merchant, running
        return best

    def _look(self) -> None:
        """A pod may read on, or has a token; `run` lets it take what is there."""

    def _from_lane(self, pod: FleetPod, order: FleetOrder) -> bool:
        """Whether it begins; what the router leads to an own queue goes on there."""
        part = pod.parts.get(order.merchant)
        if part is not None and part.bound and order.merchant in self.bound:
            self._refuse(pod, order, slow=False)
            return False
        verdict = Verdict.ADMIT if self.policy == "fifo" else pod.bulkhead.decide(str(order.merchant), self.now)
        if verdict is Verdict.ADMIT:
            self._begin(pod, order)
            return True
        if verdict in NO_SLOT:
            self._refuse(pod, order, slow=verdict is Verdict.SLOW)
        else:
            self._wait_for_merchant(order, pod.bulkhead.refusals.wait(str(order.merchant), self.now))
        return False

    def _take_ideal(self) -> None:
        """From a queue per merchant, who has fewest in flight first. A merchant with a fault has one slot a pod; limits
        hold.
        """
        free = sum(pod.slots - pod.busy for pod in self.pods if not pod.ending)
        while free:
            able = [m for m, queue in self.own.items() if queue and self.in_flight[m] < self._ideal_limit(m)]
            if not able:
                return
            merchant = min(able, key=lambda m: self.in_flight[m])
            pod = max((pod for pod in self.pods if not pod.ending), key=lambda pod: pod.slots - pod.busy)
            self._begin(pod, self.own[merchant].popleft())
            free -= 1

    def _ideal_limit(self, merchant: int) -> float:
        limits = self.scenario.limits.get(merchant)
        if limits is not None:
            if limits.max_rate is not None:
                return limits.max_rate * sum(self.scenario.steps)
            return limits.max_in_flight or 0
        fault = self._fault(merchant)
        if fault == "429":
            return self.scenario.takes * sum(self.scenario.steps)
        return self.scenario.pods if fault else float("inf")

    # --------------------------------------------------------------------------------------------------- their fate

    def _fault(self, merchant: int) -> str | None:
        fault = self.scenario.faults.get(merchant)
        return fault if fault and FAULT_AT <= self.now < self.scenario.healed_at else None

    def _refuse(self, pod: FleetPod, order: FleetOrder, *, slow: bool) -> None:
        happened = self.happened
        happened.refusals[order.merchant] += 1
        happened.moves[order.merchant] += 1
        pod.note_refusal(order.merchant, self.now)
        pod.reads_from = self.now + REFUSAL_COST
        self.at(pod.reads_from, self._look)
        self.at(self.now + self._wait_after_refusal(order, slow=slow), self.put, order)
        order.refusals += 1

    def _wait_for_merchant(self, order: FleetOrder, wait: float) -> None:
        """Its merchant asked for time, or limits the rate in this pod."""
        self.happened.moves[order.merchant] += 1
        rung = max(ladder.before_eta(wait, DELAYS), ladder.without_slot(order.refusals, DELAYS))
        order.refusals += 1
        self.at(self.now + rung / 1000, self.put, order)

    def _wait_after_refusal(self, order: FleetOrder, *, slow: bool) -> float:
        if order.merchant in self.bound:
            return AT_ONCE
        if self.policy in OPERATED:
            if order.refusals < SOON:
                return SOONEST
            return ladder.after_refusal(order.refusals - SOON, DELAYS) / 1000
        return (ladder.after_refusal(order.refusals, DELAYS) if slow else DELAYS[0]) / 1000

    def _begin(self, pod: FleetPod, order: FleetOrder) -> None:
        merchant = order.merchant
        pod.began(merchant, self.now)
        self.in_flight[merchant] += 1
        if merchant in self.scenario.odd:
            self.happened.begun.append((self.now, self.in_flight[merchant]))
        pod.bulkhead.acquire(str(merchant), order.number, self.now)
        self._call(pod, order)

    def _call(self, pod: FleetPod, order: FleetOrder) -> None:
        step = f"step-{len(order.latencies)}"
        pod.bulkhead.begin_call(str(order.merchant), order.number, self.now, step=step)
        seconds, fault = order.latencies[-1], self._fault(order.merchant)
        if fault == "5xx":
            self.at(self.now + 0.02, self._error, pod, order, step)
            return
        if fault == "429" and len(order.latencies) == len(self.scenario.steps) and not self._takes(order.merchant):
            self.at(self.now + 0.02, self._limited, pod, order, self.now)
            return
        if fault == "hang" or (fault == "flap" and int(self.now / FLAP) % 2):
            seconds = float("inf")
        elif fault == "x20":
            seconds *= 20
        if seconds > CALL_TIMEOUT:
            self.at(self.now + CALL_TIMEOUT, self._timed_out, pod, order, self.now)
        else:
            self.at(self.now + seconds, self._answered, pod, order, step, seconds)

    def _answered(self, pod: FleetPod, order: FleetOrder, step: str, seconds: float) -> None:
        pod.bulkhead.answered(str(order.merchant), self.now, seconds, step=step)
        order.latencies.pop()
        if order.latencies:
            self._call(pod, order)
            return
        self._end(pod, order, success=True)
        self.happened.done.append((order.merchant, order.arrived, self.now))

    def _takes(self, merchant: int) -> bool:
        """Whether the merchant takes one more order: a token bucket."""
        takes = self.scenario.takes
        tokens, at = self._taken.get(merchant, (takes, self.now))
        tokens = min(takes, tokens + (self.now - at) * takes)
        taken = tokens >= 1
        self._taken[merchant] = tokens - taken, self.now
        return taken

    def _limited(self, pod: FleetPod, order: FleetOrder, began: float) -> None:
        """It was answered 429, which is no attempt of the order's."""
        seconds, name = self.scenario.retry_after, str(order.merchant)
        pod.bulkhead.asked_to_wait(name, self.now, began=began, seconds=seconds)
        self._end(pod, order, success=False, limited=True)
        self.happened.limited.append(self.now)
        self.happened.moves[order.merchant] += 1
        asked = seconds or pod.bulkhead.refusals.wait(name, self.now)
        order.refusals += 1
        self.at(self.now + ladder.at_least(asked, DELAYS) / 1000, self.put, order)

    def _error(self, pod: FleetPod, order: FleetOrder, step: str) -> None:
        pod.bulkhead.server_error(str(order.merchant), self.now, step=step, order=None)
        self._fail(pod, order)

    def _timed_out(self, pod: FleetPod, order: FleetOrder, began: float) -> None:
        pod.bulkhead.timed_out(str(order.merchant), self.now, began=began)
        self._fail(pod, order)

    def _fail(self, pod: FleetPod, order: FleetOrder) -> None:
        """A failure of a slow merchant is no attempt of the order's."""
        slow = pod.bulkhead.is_slow(str(order.merchant), self.now)
        self._end(pod, order, success=False)
        self.happened.moves[order.merchant] += 1
        if slow and self.policy != "fifo":
            wait = ladder.after_refusal(
                max(0, order.refusals - SOON if self.policy == "own" else order.refusals), DELAYS
            )
            order.refusals += 1
        else:
            order.attempts += 1
            wait = ladder.after_attempt(order.attempts, DELAYS, draw=self._random.random())
        self.at(self.now + wait / 1000, self.put, order)

    def _end(self, pod: FleetPod, order: FleetOrder, *, success: bool, limited: bool = False) -> None:
        pod.bulkhead.release(str(order.merchant), order.number, self.now)
        pod.ended(order.merchant, self.now, success=success, limited=limited)
        self.in_flight[order.merchant] -= 1
        if pod.ending and not pod.busy:
            self.pods.remove(pod)
