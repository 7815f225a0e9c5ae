"""What a route no longer wants goes away, and never an order with it."""

from __future__ import annotations

import pytest

from merchantroute_operator.topology.desired import desired
from merchantroute_operator.topology.drained import FRESH, EmptyWatch
from merchantroute_operator.topology.objects import Bind, Binding, Declare, Delete, Queue, QueueTick, Topology
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


def test_the_queue_in_which_refused_orders_took_turns_goes_once_it_is_empty() -> None:
    broker = up_to_wiring(BOTH, NOTHING)
    name = "mr.orders.pos.gold.retry.refused"
    old = Binding("mr.orders.pos.gold.retry", name, "queue", rung="refused")
    broker = run(broker, ((Declare(Queue(name, {"x-merchantroute-owner": OWNER})),), (Bind(old),)))
    broker = up_to_wiring(BOTH, broker)
    # an older pod may still publish to it
    assert unfed(BOTH, broker) == frozenset()
    broker = run(broker, retire(BOTH, broker, {name}))
    assert old not in broker.bindings
    assert unfed(BOTH, broker) == {name}
    assert retire(BOTH, broker, ()) == ()
    assert run(broker, retire(BOTH, broker, {name})) == BOTH


def test_dead_letters_are_never_retired() -> None:
    broker = up_to_wiring(ONE, up_to_wiring(BOTH, NOTHING))
    for _ in range(4):
        broker = run(broker, retire(ONE, broker, broker.queues))
    assert "mr.orders.pos.dead" in broker.queues


def tick(messages: int | None, reductions: int | None) -> dict[str, QueueTick]:
    return {"q": QueueTick(messages, reductions)}


@pytest.mark.parametrize(
    ("readings", "proven"),
    [
        # (second, messages, the report's number), the last one decides
        ([(0, 0, 1), (5, 0, 2), (9, 0, 3), (14, 0, 4), (15, 0, 4)], True),
        ([(0, 0, 1), (5, 0, 2), (9, 0, 3), (14, 0, 4), (14.5, 0, 4)], False),  # bindings may be a moment old
        ([(0, 0, 1), (5, 0, 2), (9, 0, 3), (99, 0, 4)], False),  # its messages may be shown a moment later
        ([(0, 0, 1), (5, 0, 2), (9, 0, 3), (98, 0, 4), (99, 1, 4)], False),
        ([(0, 0, 1), (5, 0, 2), (9, 0, 3), (98, 0, 3), (99, 0, 3)], False),  # nothing new, for however long
        ([(0, 0, 1), (1000, 0, 1), (2000, 0, 1)], False),
        ([(0, 0, 1), (5, 0, 2), (9, 1, 3), (14, 0, 4), (19, 0, 5), (24, 0, 6), (30, 0, 6)], False),  # an order was seen
        ([(0, 56, 1), (5, 56, 2), (9, 56, 3), (14, 56, 4), (19, 56, 4)], False),  # none is ready: the target refused
        ([(0, 0, 1), (5, 0, 2), (9, None, 3), (14, 0, 4), (19, 0, 5), (24, 0, 6), (30, 0, 6)], False),  # unknown
        ([(0, 0, None), (5, 0, None), (9, 0, None), (14, 0, None), (19, 0, None)], False),
        ([(0, 0, 9), (5, 0, 10), (9, 0, 11), (14, 0, 1), (19, 0, 2), (24, 0, 3), (30, 0, 3)], False),  # another leader
    ],
)
def test_a_queue_is_drained_once_it_reported_no_messages_anew_and_again(
    readings: list[tuple[float, int | None, int | None]], proven: bool
) -> None:
    watch, drained = EmptyWatch(), frozenset[str]()
    for second, messages, report in readings:
        watch, drained = watch.observe(second, tick(messages, report), {"q"})
    assert drained == ({"q"} if proven else frozenset())


def test_a_queue_that_is_fed_again_not_in_the_reading_or_holds_an_order_starts_anew() -> None:
    watch = EmptyWatch()
    for number in range(FRESH + 1):
        watch, _ = watch.observe(10 * number, tick(0, number), {"q"})
    newest, at = tick(0, FRESH), 10 * (FRESH + 1)
    assert watch.observe(at, newest, {"q"})[1] == {"q"}
    fed, _ = watch.observe(at, newest, ())
    gone, _ = watch.observe(at, {}, {"q"})
    for interrupted in (fed, gone, watch.anew({"q"})):
        _, drained = interrupted.observe(at + 10, newest, {"q"})
        assert drained == frozenset()
