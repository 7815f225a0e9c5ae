"""Own queues opened and closed while merchants move and the operator dies: each order has one way, on R one binding."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from merchantroute_operator import naming
from merchantroute_operator.spec.route import Route
from merchantroute_operator.topology.desired import desired
from merchantroute_operator.topology.objects import Bind, Binding, Delete, Topology, Unbind
from merchantroute_operator.topology.plans.changes import conflicts, retire, skeleton, tear_down, unfed, wiring
from merchantroute_operator.topology.splits import choose
from tests.unit.operator.order_routing import NOTHING, apply, arrives, run
from tests.unit.operator.rerouting import DOOR, MERCHANTS, PLACE, a_random_route
from tests.unit.operator.route_samples import OWNER, a_route
from tests.unit.operator.topology.test_reroutes import Watch, a_pass, settle

ROUTER = naming.router(*PLACE)
Own = dict[str, bool]


def wanted_with(route: Route, own: Own, broker: Topology = NOTHING) -> Topology:
    """The route's topology with these own queues, and whether each is led to."""
    assigned = {merchant.id: merchant.tier for merchant in route.merchants}
    return desired(route, OWNER, assigned, choose(route, broker), own)


def some_own(dice: random.Random, broker: Topology) -> Own:
    """Of any merchants; only to a queue that is there may orders be led, as the pods have to know it first."""
    chosen = dice.sample(MERCHANTS, dice.randint(0, len(MERCHANTS)))
    return {m: naming.own_queue(*PLACE, m) in broker.queues and dice.random() < 0.7 for m in chosen}


def on_router(broker: Topology) -> Counter[str]:
    return Counter(binding.key for binding in broker.bindings if binding.source == ROUTER)


def own_of(merchant: str) -> str:
    return naming.own_queue(*PLACE, merchant)


@pytest.mark.parametrize("seed", range(60))
def test_any_changes_with_crashes_keep_one_way_for_every_order_and_one_binding_for_every_key(seed: int) -> None:
    dice = random.Random(5000 + seed)
    route, own = a_random_route(dice), Own()
    broker = settle(wanted_with(route, own), NOTHING, dice)
    watch = Watch()
    for _ in range(8):
        route = a_random_route(dice) if dice.random() < 0.5 else route
        own = some_own(dice, broker)
        states = [broker, *a_pass(wanted_with(route, own, broker), broker, dice)]
        for broker in states[: dice.randint(1, len(states))]:  # the operator dies after any of its calls
            watch.see(broker)
            assert set(on_router(broker).values()) <= {1}
    broker = settle(wanted_with(route, own, broker), broker, dice)
    assert broker == wanted_with(route, own, broker)


def test_a_queue_is_declared_first_and_led_to_with_what_else_changes_ways() -> None:
    route = a_route()
    broker = settle(wanted_with(route, {}), NOTHING, random.Random(1))
    wanted = wanted_with(route, {"m0": True})
    declared = run(broker, skeleton(wanted, broker))
    assert declared.queues == wanted.queues
    assert declared.bindings == broker.bindings


def test_a_merchant_with_an_own_queue_moves_by_its_assignment_alone() -> None:
    before = a_route(merchants={"m0": "enterprise"})
    broker = settle(wanted_with(before, {"m0": True}), NOTHING, random.Random(1))
    plan = wiring(wanted_with(a_route(merchants={"m0": "standard"}), {"m0": True}), broker)

    assert [op.binding.source for batch in plan for op in batch if isinstance(op, Bind | Unbind)] == [
        naming.assigned(*PLACE)
    ] * 2
    assert arrives(run(broker, plan), DOOR, "m0") == {own_of("m0")}


def test_a_merchant_that_moves_as_its_own_queue_opens_has_that_for_its_overlay() -> None:
    before = a_route(merchants={"m0": "enterprise"})
    broker = settle(wanted_with(before, {"m0": False}), NOTHING, random.Random(1))
    plan = wiring(wanted_with(a_route(merchants={"m0": "standard"}), {"m0": True}), broker)

    assert plan[0] == (Bind(Binding(ROUTER, own_of("m0"), "queue", key="m0")),)
    assert len([op for batch in plan for op in batch]) == 3


def test_a_merchant_that_moves_as_its_own_queue_closes_leaves_that_last() -> None:
    before = a_route(merchants={"m0": "enterprise"})
    broker = settle(wanted_with(before, {"m0": True}), NOTHING, random.Random(1))
    plan = wiring(wanted_with(a_route(merchants={"m0": "standard"}), {}), broker)

    assert plan[-1] == (Unbind(Binding(ROUTER, own_of("m0"), "queue", key="m0")),)
    assert len([op for batch in plan for op in batch]) == 3


def test_an_own_queue_waits_for_the_overlay_that_a_crash_left() -> None:
    route = a_route(merchants={"m0": "enterprise"})
    wanted = wanted_with(route, {"m0": True})
    left = Binding(ROUTER, naming.tier_exchange(*PLACE, "enterprise"), "exchange", key="m0")
    broker = apply(settle(wanted_with(route, {"m0": False}), NOTHING, random.Random(1)), Bind(left))

    own = Binding(ROUTER, own_of("m0"), "queue", key="m0")
    assert wiring(wanted, broker) == ((Unbind(left),), (Bind(own),))


def test_a_second_binding_beside_an_own_queues_goes_and_a_twin_of_it_stays() -> None:
    wanted = wanted_with(a_route(merchants={"m0": "enterprise"}), {"m0": True})
    broker = settle(wanted, NOTHING, random.Random(1))
    second = Binding(ROUTER, naming.tier_exchange(*PLACE, "enterprise"), "exchange", key="m0")
    twin = Binding(ROUTER, own_of("m0"), "queue", key="m0", rung='{"note": "1"}')

    assert wiring(wanted, apply(broker, Bind(second))) == ((Unbind(second),),)
    assert wiring(wanted, replace(broker, bindings=broker.bindings | {twin})) == ()


def test_a_closed_own_queue_is_deleted_only_once_nothing_leads_there_and_it_is_proven_empty() -> None:
    route = a_route()
    wanted = wanted_with(route, {})
    broker = settle(wanted_with(route, {"m0": True}), NOTHING, random.Random(1))
    assert unfed(wanted, broker) == frozenset(), "until it is unbound"
    assert retire(wanted, broker, {own_of("m0")}) == ()

    broker = run(broker, wiring(wanted, broker))
    assert unfed(wanted, broker) == {own_of("m0")}
    assert retire(wanted, broker, ()) == ()
    assert retire(wanted, broker, {own_of("m0")}) == ((Delete("queue", own_of("m0")),),)


def test_own_queues_go_with_their_route() -> None:
    broker = settle(wanted_with(a_route(), {"m0": True, "m1": False}), NOTHING, random.Random(1))
    after = run(broker, tear_down(broker, owner=OWNER, keep_dead=False))
    assert (after.queues, after.bindings) == ({}, frozenset())


def test_another_merchants_queue_under_the_same_name_is_a_conflict() -> None:
    broker = settle(wanted_with(a_route(), {"m0": False}), NOTHING, random.Random(1))
    queue = broker.queues[own_of("m0")]
    another = replace(queue, arguments={**queue.arguments, "x-merchantroute-merchant": "m1"})
    taken = replace(broker, queues={**broker.queues, queue.name: another})

    (words,) = conflicts(wanted_with(a_route(), {"m0": False}), taken, OWNER)
    assert "x-merchantroute-merchant is m1, not m0" in words
