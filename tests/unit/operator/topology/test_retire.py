"""What a route no longer wants goes away, and never an order with it."""

from __future__ import annotations

import pytest

from merchantroute_operator.topology.desired import desired
from merchantroute_operator.topology.drained import EmptyWatch
from merchantroute_operator.topology.objects import Delete, QueueSample, Topology
from merchantroute_operator.topology.plans.changes import open_front_door, retire, skeleton, unfed, wiring
from tests.unit.operator.order_routing import NOTHING, run
from tests.unit.operator.route_samples import OWNER, a_route

BOTH = desired(a_route(tiers=("gold", "standard"), delays=("1s", "2m")), OWNER, {"m0": "gold"})
ONE = desired(a_route(tiers=("standard",), delays=("1s", "2m")), OWNER, {"m0": "standard"})
SHORTER = desired(a_route(tiers=("gold", "standard"), delays=("1s",)), OWNER, {"m0": "gold"})
GOLD = {
    f"mr.orders.pos.gold.{name}"
    for name in (
        "stable",
        "retry.1000",
        "retry.120000",
        "retry.600000",
        "retry.3600000",
        "retry.21600000",
        "retry.refused",
    )
}


def up_to_wiring(wanted: Topology, broker: Topology) -> Topology:
    for part in (skeleton, wiring, open_front_door):
        broker = run(broker, part(wanted, broker))
    return broker


def test_a_removed_tier_goes_lane_first_then_its_ladder() -> None:
    broker = up_to_wiring(ONE, up_to_wiring(BOTH, NOTHING))
    # its lane still holds orders: workers publish to its ladder until it is gone
    assert unfed(ONE, broker) == {"mr.orders.pos.gold.stable"}
    broker = run(broker, retire(ONE, broker, ()))
    assert broker.queues.keys() >= GOLD
    assert "mr.orders.pos.gold" not in broker.exchanges
    assert "mr.orders.pos.gold.retry" in broker.exchanges
    # the caller says that all of it is empty, but only the lane's emptiness is final
    broker = run(broker, retire(ONE, broker, GOLD))
    assert broker.queues.keys() & GOLD == GOLD - {"mr.orders.pos.gold.stable"}
    # now nothing feeds the rungs any more
    assert unfed(ONE, broker) == GOLD - {"mr.orders.pos.gold.stable"}
    broker = run(broker, retire(ONE, broker, GOLD))
    assert (broker.exchanges, broker.queues, broker.bindings) == (ONE.exchanges, ONE.queues, ONE.bindings)


def test_a_removed_rung_loses_its_binding_first_and_goes_once_it_is_empty() -> None:
    broker = up_to_wiring(SHORTER, up_to_wiring(BOTH, NOTHING))
    old = {"mr.orders.pos.gold.retry.120000", "mr.orders.pos.standard.retry.120000"}
    assert unfed(SHORTER, broker) == frozenset()
    broker = run(broker, retire(SHORTER, broker, old))
    assert unfed(SHORTER, broker) == old
    assert broker.queues.keys() >= old
    assert retire(SHORTER, broker, ()) == ()
    assert set(retire(SHORTER, broker, old)[0]) == {Delete("queue", name) for name in old}


def test_dead_letters_are_never_retired() -> None:
    broker = up_to_wiring(ONE, up_to_wiring(BOTH, NOTHING))
    for _ in range(4):
        broker = run(broker, retire(ONE, broker, broker.queues))
    assert "mr.orders.pos.dead" in broker.queues


def sample(messages: int | None) -> dict[str, QueueSample]:
    return {"q": QueueSample(messages=messages, ready=0, unacked=0, published=0, consumers=0)}


@pytest.mark.parametrize(
    ("readings", "proven"),
    [
        # (second, messages), the last one decides
        ([(0, 0), (5, 0), (10, 0)], False),  # not for long enough: figures are up to 5 s old
        ([(0, 0), (5, 0), (15, 0)], True),
        ([(0, 0), (10, 1), (15, 0)], False),  # an order was seen
        ([(0, 0), (10, 1), (15, 0), (30, 0)], True),
        ([(0, None), (15, None), (30, None)], False),  # unknown is not empty
        ([(0, 0), (10, None), (15, 0)], False),
        ([(0, 56), (15, 56)], False),  # 0 ready and 0 unacked, but the target refused them
    ],
)
def test_a_queue_is_empty_only_when_it_showed_no_messages_for_long_enough(
    readings: list[tuple[float, int | None]], proven: bool
) -> None:
    watch, empty = EmptyWatch(), frozenset[str]()
    for second, messages in readings:
        watch, empty = watch.observe(second, sample(messages), {"q"})
    assert empty == ({"q"} if proven else frozenset())


def test_a_queue_that_is_fed_again_or_not_in_the_reading_starts_anew() -> None:
    watch, _ = EmptyWatch().observe(0, sample(0), {"q"})
    for samples, names in ((sample(0), set[str]()), ({}, {"q"})):
        interrupted, _ = watch.observe(10, samples, names)
        _, empty = interrupted.observe(20, sample(0), {"q"})
        assert empty == frozenset()
