"""Pods that are started while the operator is away are named in no configuration, and work own queues all the same."""

from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane
from tests.worker.test_own_queues import SLOWLY, ready_in, seen, until_prefetch


def test_pods_that_nobody_names_work_it_with_one_order_each_until_they_are_named(lane: LocalLane) -> None:
    own, held, other = lane.merchant("own", latency=SLOWLY), lane.merchant("held"), lane.merchant("other")
    lane.configure(own, held, other)
    lane.own_pods = ["gone-0", "gone-1"]
    queues = [topology.declare_own_queue(lane.channel, merchant) for merchant in (own, held)]
    for merchant, parts in ((own, (3, 2)), (held, (0, 0))):
        topology.bind_own_queue(lane.channel, merchant)
        lane.own(merchant, *parts, bound=True)
    workers = [lane.work(8, MR_UNNAMED_AFTER="1").ready() for _ in range(2)]

    ids = [*lane.orders(own, 20), *lane.orders(other, 10)]
    lane.orders(held, 3)
    lane.until_done(ids, 60)

    wanted = {"queue": queues[0], "part": 1, "bound": True, "waiting": 0}
    for worker in workers:
        until(lambda worker=worker: seen(worker, own).get("ownQueue") == wanted, "a part of one order")  # type: ignore[misc]
    assert lane.merchants.peak(own) <= 2
    assert ready_in(lane, queues[1]) == 3

    lane.own_pods = ["pod-0", "pod-1"]
    lane.own(held, 0, 3, bound=True)
    lane.own(own, 4, 0, bound=True)
    until_prefetch(lane, queues[0], 4)
    lane.until_done(lane.orders(own, 10))
    until(lambda: ready_in(lane, queues[1]) == 0, "the pod that is named to work what was held")
    lane.until_done(lane.published)
    assert lane.ledger() == {"done": 43}
