"""A merchant that takes so many orders a second gets them from all pods together at a pace that it bears."""

import re
import time

from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_kit.worker.worker_process import WorkerProcess
from tests.worker.operated_lane import OperatedLane
from tests.worker.test_own_queues import metric, open_queue, ready_in, until_consumed

TAKES, STEPS = 5, 3
"""Orders a second, and calls of each."""


def answered(workers: list[WorkerProcess], kind: str) -> int:
    """How many calls were answered so, in all pods."""
    line = re.compile(rf'^merchantroute_calls_total\{{[^}}]*answer="{kind}"[^}}]*\}} (\S+)$', re.MULTILINE)
    return sum(int(float(count)) for worker in workers for count in line.findall(worker.get("/metrics")[1]))


def test_two_pods_together_find_the_rate_that_it_bears_and_others_do_not_notice(lane: LocalLane) -> None:
    lane.limits = {"retryAfterMaxMs": 60_000}
    busy = lane.merchant("busy", "throttle", calls_per_s=TAKES * STEPS, retry_after_s=1)
    healthy = lane.merchant("healthy")
    lane.configure(busy, healthy)
    lane.own_pods = ["pod-0", "pod-1"]
    workers = [lane.work(20), lane.work(20)]
    for worker in workers:
        worker.ready()
    operated = OperatedLane(lane)

    limited = lane.orders(busy, 150)
    others: list[str] = []

    def open_and_bound() -> bool:
        operated.look()
        return busy in operated.queues and operated.queues[busy].stage == "Open"

    until(open_and_bound, "the merchant's own queue to be open", 60)
    asked_before, others = answered(workers, "429"), lane.orders(healthy, 60)
    assert asked_before > 0
    limited += lane.orders(busy, 150)

    def all_done() -> bool:
        operated.look()
        lane.look_at_completions()
        return all(order in lane.done for order in (*limited, *others))

    until(all_done, "all orders to be done", 180)

    book = lane.ledger()
    assert (book["done"], book["dead"], book["doubled"], book["copies"]) == (360, 0, 0, 0)
    assert {lane.done[order][0]["attempts"] for order in (*limited, *others)} == {1}, "no 429 is an attempt"
    assert [queue.why for queue in operated.opened if queue.merchant == busy] == ["RateLimited"]
    # Sixty orders at once for forty slots may be worth a queue, with its fair share of them, on a machine that is busy.
    assert {queue.why for queue in operated.opened if queue.merchant == healthy} <= {"Refused"}
    # Of the calls since then at most one in ten is too many.
    calls = STEPS * len(limited)
    assert answered(workers, "429") - asked_before < calls / 10
    ends = {order: lane.done[order][0]["finishedAt"] for order in (*limited, *others)}
    assert max(ends[order] for order in others) < max(ends[order] for order in limited)


def later(seconds: float) -> int:
    """A time of the configuration: milliseconds since the epoch."""
    return round((time.time() + seconds) * 1000)


def test_no_pod_begins_an_order_while_the_fleet_pauses_and_all_do_when_that_is_over(lane: LocalLane) -> None:
    own, other = lane.merchant("own"), lane.merchant("other")
    lane.configure(own, other)
    worker = lane.work(8).ready()
    open_queue(lane, own, 4, pausedUntil=later(600))

    ids = lane.orders(own, 10)
    lane.publish(own, f"{lane.run}-lane", exchange=topology.QUEUE)
    lane.until_done(lane.orders(other, 20))
    until(lambda: metric(worker, "merchantroute_own_orders_waiting") == 4, "orders to wait in the pod")
    assert not set(ids) & set(lane.done)

    lane.own(own, 4, bound=True)
    lane.until_done([*ids, f"{lane.run}-lane"])
    assert lane.ledger() == {"done": 31}


def test_a_queue_whose_merchant_asks_for_long_is_not_consumed_meanwhile(lane: LocalLane) -> None:
    own, other = lane.merchant("own"), lane.merchant("other")
    lane.configure(own, other)
    worker = lane.work(8).ready()
    queue = open_queue(lane, own, 4, rate=100)
    lane.until_done(lane.orders(own, 5))

    lane.own(own, 4, bound=True, rate=100, pausedUntil=later(3_000))
    until_consumed(worker, 0)
    ids = lane.orders(own, 10)
    lane.until_done(lane.orders(other, 20))
    assert ready_in(lane, queue) == 10

    lane.own(own, 4, bound=True, rate=100)
    lane.until_done(ids)
    assert lane.ledger() == {"done": 35}
