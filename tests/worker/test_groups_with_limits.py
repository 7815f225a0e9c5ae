"""A host bears so many orders of all of its merchants: it gets no more from all pods, and each has its turns."""

from collections import Counter
from collections.abc import Sequence

from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_operator.isolation.groups.route_groups import RouteGroups
from merchantroute_operator.isolation.model import MerchantLimits, Policy
from merchantroute_operator.spec.route import Merchant
from tests.worker.operated_lane import OperatedLane

VENDOR = "pos.vendor.example"


def one_host(lane: LocalLane, limits: MerchantLimits, count: int = 3) -> tuple[str, list[str], OperatedLane]:
    """A host, its merchants with two pods, and their operator; each merchant's own queue is open."""
    host = lane.merchant("host", latency={"p50_ms": 60, "p99_ms": 80})
    merchants = [f"m{number}-{lane.run}" for number in range(count)]
    lane.known = {merchant: {"endpoint": lane.merchants.endpoint(host)} for merchant in merchants}
    lane.configure()
    lane.own_pods = ["pod-0", "pod-1"]
    for worker in [lane.work(20), lane.work(20)]:
        worker.ready()
    listed = [Merchant(name, topology.TIER, "https://x.example", None, group=VENDOR) for name in merchants]
    policy = Policy(limits=dict.fromkeys(merchants, limits), group_limits={VENDOR: limits})
    operated = OperatedLane(lane, policy, RouteGroups(listed, None))

    def all_open() -> bool:
        operated.look()
        return [queue.stage for queue in operated.queues.values()] == ["Open"] * count

    until(all_open, "every merchant's own queue to be open", 60)
    return host, merchants, operated


def until_done(lane: LocalLane, operated: OperatedLane, ids: Sequence[str]) -> None:
    """Wait until all of them are done, with the operator at work."""

    def all_done() -> bool:
        operated.look()
        lane.look_at_completions()
        return all(order in lane.done for order in ids)

    until(all_done, "all orders to be done", 120)


def test_three_merchants_of_a_host_never_have_more_in_flight_together_than_it_bears(lane: LocalLane) -> None:
    host, merchants, operated = one_host(lane, MerchantLimits(max_in_flight=3))
    whose = {order: merchant for merchant in merchants for order in lane.orders(merchant, 30)}

    until_done(lane, operated, list(whose))

    assert lane.merchants.peak(host) == 3
    finished = sorted(whose, key=lambda order: lane.done[order][0]["finishedAt"])
    assert min(Counter(whose[order] for order in finished[:45]).values()) >= 8, "they take turns"
    assert lane.ledger() == {"done": 90}


def test_who_is_alone_with_orders_at_its_host_has_all_that_it_bears(lane: LocalLane) -> None:
    host, merchants, operated = one_host(lane, MerchantLimits(max_in_flight=4))

    until_done(lane, operated, lane.orders(merchants[0], 40))

    assert lane.merchants.peak(host) == 4
    assert lane.ledger() == {"done": 40}


def test_the_rate_of_a_host_is_that_of_all_of_its_merchants(lane: LocalLane) -> None:
    _, merchants, operated = one_host(lane, MerchantLimits(max_rate=10.0, burst=2))
    ids = [order for merchant in merchants for order in lane.orders(merchant, 14)]

    until_done(lane, operated, ids)

    begun = sorted(lane.done[order][0]["finishedAt"] for order in ids)
    # Two at once, half a second of the rate as orders begin, and ten a second. A slow machine only makes it longer.
    assert begun[-1] - begun[0] >= 1000 * (len(ids) - 2 - 5) / 10 - 500
    assert lane.ledger() == {"done": 42}
