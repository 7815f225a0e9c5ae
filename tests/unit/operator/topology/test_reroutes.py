"""Every change of a route, call by call: each order has exactly one way to go, also where the operator dies."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from merchantroute_operator import naming
from merchantroute_operator.spec.route import Route
from merchantroute_operator.topology.desired import desired
from merchantroute_operator.topology.objects import Bind, Binding, Declare, Delete, Op, Plan, Queue, Topology, Unbind
from merchantroute_operator.topology.plans.changes import open_front_door, retire, skeleton, unfed, wiring
from tests.unit.operator.order_routing import NOTHING, apply, arrives, run
from tests.unit.operator.rerouting import DOOR, MERCHANTS, PLACE, TIERS, UNLISTED, a_random_route, wanted_by
from tests.unit.operator.route_samples import OWNER, a_route


def shuffled(plan: Plan, dice: random.Random) -> Iterator[Op]:
    """The calls of a plan; those of one batch run at once, so in any order."""
    for batch in plan:
        yield from dice.sample(batch, len(batch))


def a_pass(wish: Topology | Route, broker: Topology, dice: random.Random) -> Iterator[Topology]:
    """The broker after each call of one pass; lanes and rungs that nothing feeds are found empty."""
    wanted = wanted_by(wish, broker) if isinstance(wish, Route) else wish
    for part in (skeleton, wiring, open_front_door):
        for op in shuffled(part(wanted, broker), dice):
            broker = apply(broker, op)
            yield broker
    for op in shuffled(retire(wanted, broker, unfed(wanted, broker)), dice):
        broker = apply(broker, op)
        yield broker


def settle(wanted: Topology | Route, broker: Topology, dice: random.Random) -> Topology:
    for _ in range(5):
        for state in a_pass(wanted, broker, dice):
            broker = state
    return broker


class Watch:
    """Looks at one state after another; it remembers which lanes ever got an order, for their ladders must work on."""

    def __init__(self) -> None:
        self.lanes: set[str] = set()

    def see(self, broker: Topology) -> None:
        """Every order that anybody may publish now has exactly one way."""
        if DOOR not in broker.exchanges:
            return
        assert arrives(broker, naming.suspect(*PLACE), "m0") == {naming.suspect(*PLACE)}
        for merchant in (*MERCHANTS, UNLISTED):
            lanes = arrives(broker, DOOR, merchant)
            assert len(lanes) == 1, merchant
            self.lanes |= lanes
        for lane in self.lanes & broker.queues.keys():
            if naming.is_own_queue(lane):
                continue
            retry = f"{lane.rsplit('.', 1)[0]}.retry"
            for ms in (1000, 5000, 15000, 120000, 99):
                assert len(arrives(broker, retry, "m0", str(ms))) == 1, (lane, ms)
        for name, queue in broker.queues.items():
            if back := queue.arguments.get("x-dead-letter-exchange"):
                assert len(arrives(broker, str(back), "m0")) == 1, name


def goes_to(broker: Topology, merchant: str) -> str:
    (queue,) = arrives(broker, DOOR, merchant)
    return queue.split(".")[3]


def test_a_new_route_sends_each_merchant_to_its_tier_and_the_others_to_the_default() -> None:
    route = a_route(merchants={"m0": "enterprise"})
    broker = settle(wanted_by(route), NOTHING, random.Random(1))
    assert goes_to(broker, "m0") == "enterprise"
    assert goes_to(broker, UNLISTED) == "standard"
    assert arrives(broker, naming.retry_exchange(*PLACE, "standard"), "m0", "15000") == {
        "mr.orders.pos.standard.retry.15000"
    }


def test_the_front_door_opens_only_when_all_behind_it_is_there() -> None:
    route = a_route(merchants={"m0": "enterprise"})
    states = list(a_pass(wanted_by(route), NOTHING, random.Random(1)))
    opened = next(index for index, state in enumerate(states) if DOOR in state.exchanges)
    assert opened >= len(states) - 2  # its own binding comes after it; until then its alternate leads the same way
    assert goes_to(states[opened], "m0") == "enterprise"


@pytest.mark.parametrize("seed", range(150))
def test_any_change_keeps_one_way_for_every_order_at_every_call(seed: int) -> None:
    dice = random.Random(seed)
    before, after = a_random_route(dice), a_random_route(dice)
    broker = settle(before, NOTHING, dice)
    watch = Watch()
    for broker in (broker, *a_pass(after, broker, dice)):  # noqa: B020 - each state follows from the last
        watch.see(broker)


@pytest.mark.parametrize("seed", range(60))
def test_a_crash_at_any_call_and_yet_another_change_end_where_the_spec_says(seed: int) -> None:
    dice = random.Random(1000 + seed)
    routes = [a_random_route(dice) for _ in range(4)]
    broker = settle(routes[0], NOTHING, dice)
    watch = Watch()
    for after in routes[1:]:
        states = [broker, *a_pass(after, broker, dice)]
        for broker in states[: dice.randint(1, len(states))]:
            watch.see(broker)
    broker = settle(routes[-1], broker, dice)
    wanted = wanted_by(routes[-1], broker)
    assert broker.bindings == wanted.bindings
    assert broker.exchanges == wanted.exchanges
    assert broker.queues == wanted.queues


@pytest.mark.parametrize("seed", range(30))
def test_every_crash_point_of_a_move_of_merchants_and_default_converges(seed: int) -> None:
    dice = random.Random(2000 + seed)
    before = a_route(merchants={"m0": "enterprise", "m1": "standard", "m2": "enterprise"}, delays=("1s", "2m"))
    after = a_route(merchants={"m0": "standard", "m1": "standard", "m3": "enterprise"}, default="enterprise")
    settled = settle(wanted_by(before), NOTHING, dice)
    for crashed in a_pass(wanted_by(after), settled, dice):
        broker = crashed
        watch = Watch()
        for broker in a_pass(wanted_by(before if dice.random() < 0.5 else after), crashed, dice):
            watch.see(broker)
        broker = settle(wanted_by(after), broker, dice)
        assert broker.bindings == wanted_by(after).bindings


@pytest.mark.parametrize("seed", range(30))
def test_a_default_tier_that_a_crash_left_without_a_target_never_leads_to_a_tier_that_is_not_made(seed: int) -> None:
    dice = random.Random(3000 + seed)
    broker = settle(wanted_by(a_route(tiers=("longtail",), default="longtail")), NOTHING, dice)
    # a swap of the default tier, which the crash stopped half-way; then yet another default tier is wanted, a new one
    (crossed,) = [b for b in broker.bindings if b.source == naming.default(*PLACE)]
    broker, watch = apply(broker, Unbind(crossed)), Watch()
    for broker in (broker, *a_pass(wanted_by(a_route(tiers=("vip",), default="vip")), broker, dice)):  # noqa: B020
        watch.see(broker)


def test_a_route_without_a_suspect_lane_gets_one_while_orders_flow() -> None:
    dice = random.Random(9)
    wanted = wanted_by(a_route(merchants={"m0": "enterprise"}))
    name = naming.suspect(*PLACE)
    old = apply(apply(settle(wanted, NOTHING, dice), Delete("exchange", name)), Delete("queue", name))
    for broker in a_pass(wanted, old, dice):
        assert len(arrives(broker, DOOR, "m0")) == 1
    assert broker == wanted


def test_plans_made_from_one_observation_fit_together() -> None:
    dice = random.Random(3)
    for _ in range(40):
        before, after = a_random_route(dice), a_random_route(dice)
        broker = settle(before, NOTHING, dice)
        wanted = wanted_by(after, broker)
        observed, watch = broker, Watch()
        watch.see(broker)
        for part in (skeleton, wiring, open_front_door):
            for op in shuffled(part(wanted, observed), dice):
                broker = apply(broker, op)
                watch.see(broker)
        for op in shuffled(retire(wanted, observed, ()), dice):
            broker = apply(broker, op)
            watch.see(broker)


def test_a_merchant_listed_in_a_tier_that_is_gone_stays_there_until_pods_know_better() -> None:
    dice = random.Random(4)
    before = a_route(tiers=("enterprise", "standard"), merchants={"m0": "enterprise"})
    after = a_route(tiers=("standard",), merchants={"m0": "standard"})
    broker = settle(wanted_by(before), NOTHING, dice)
    waiting = desired(after, OWNER, {"m0": "enterprise"})
    broker = settle(waiting, broker, dice)
    assert goes_to(broker, "m0") == "enterprise"
    assert arrives(broker, naming.retry_exchange(*PLACE, "enterprise"), "m0", "1000")
    broker = settle(wanted_by(after), broker, dice)
    assert goes_to(broker, "m0") == "standard"
    assert not [name for name in (*broker.exchanges, *broker.queues) if "enterprise" in name]


def test_a_merchant_that_moves_leaves_its_old_tier_only_for_its_new_one() -> None:
    dice = random.Random(6)
    before = a_route(tiers=TIERS, default="longtail", merchants=dict.fromkeys(MERCHANTS, "enterprise"))
    after = a_route(tiers=TIERS, default="longtail", merchants=dict.fromkeys(MERCHANTS, "vip"))
    broker = settle(wanted_by(before), NOTHING, dice)
    for broker in a_pass(wanted_by(after), broker, dice):  # noqa: B020
        assert {goes_to(broker, merchant) for merchant in MERCHANTS} <= {"enterprise", "vip"}
    assert {goes_to(broker, merchant) for merchant in MERCHANTS} == {"vip"}


def test_two_overlays_for_one_merchant_end_as_none() -> None:
    dice = random.Random(7)
    wanted = wanted_by(a_route(merchants={"m0": "enterprise"}))
    broker = settle(wanted, NOTHING, dice)
    for tier in ("enterprise", "standard"):
        overlay = Binding(naming.router(*PLACE), naming.tier_exchange(*PLACE, tier), "exchange", key="m0")
        broker = apply(broker, Bind(overlay))
    assert len(arrives(broker, DOOR, "m0")) == 2
    assert settle(wanted, broker, dice).bindings == wanted.bindings


def test_a_teams_own_tap_on_the_front_door_is_left_alone() -> None:
    wanted = wanted_by(a_route())
    broker = settle(wanted, NOTHING, random.Random(8))
    broker = apply(broker, Declare(Queue("audit", {})))
    broker = apply(broker, Bind(Binding(DOOR, "audit", "queue")))
    assert settle(wanted, broker, random.Random(8)) == broker


def test_nothing_is_planned_for_a_broker_that_is_as_it_should_be() -> None:
    wanted = wanted_by(a_route(merchants={"m0": "enterprise"}))
    broker = settle(wanted, NOTHING, random.Random(5))
    assert [part(wanted, broker) for part in (skeleton, wiring, open_front_door)] == [(), (), ()]
    assert retire(wanted, broker, broker.queues) == ()
    assert run(broker, ()) == broker


def test_a_split_that_somebody_changed_is_left_for_the_other_one() -> None:
    dice = random.Random(10)
    route = a_route(tiers=[{"name": "standard", "canary": {"weight": 40}}])
    whole = settle(route, NOTHING, dice)
    split, canary = naming.split_exchange(*PLACE, "standard", "a"), naming.canary_queue(*PLACE, "standard")
    for wrong in (
        apply(whole, Unbind(Binding(split, canary, "queue", key="40"))),
        apply(whole, Bind(Binding(split, canary, "queue", key="20"))),
        apply(apply(whole, Declare(Queue("tap", {}))), Bind(Binding(split, "tap", "queue", key="60"))),
    ):
        broker = settle(route, wrong, dice)
        assert split not in broker.exchanges
        shares = {(b.target, b.key) for b in broker.bindings if b.source == split.replace(".a", ".b")}
        assert shares == {(naming.stable_queue(*PLACE, "standard"), "60"), (canary, "40")}


def test_two_splits_that_somebody_bound_end_as_one() -> None:
    dice = random.Random(12)
    before = a_route(tiers=[{"name": "standard", "canary": {"weight": 40}}])
    after = a_route(tiers=[{"name": "standard", "canary": {"weight": 60}}])
    broker = settle(before, NOTHING, dice)
    tier, other = naming.tier_exchange(*PLACE, "standard"), naming.split_exchange(*PLACE, "standard", "b")
    broker = apply(broker, Declare(replace(broker.exchanges[other.replace(".b", ".a")], name=other)))
    broker = apply(broker, Bind(Binding(tier, other, "exchange")))
    broker = settle(after, broker, dice)
    assert broker == wanted_by(after, broker)
    assert len([b for b in broker.bindings if b.source == tier]) == 1


def test_an_idle_split_that_a_crash_left_behind_is_emptied_before_it_is_built() -> None:
    dice = random.Random(13)
    at = {weight: a_route(tiers=[{"name": "standard", "canary": {"weight": weight}}]) for weight in (40, 60, 80)}
    before = settle(at[40], NOTHING, dice)
    half_way = run(before, skeleton(wanted_by(at[60], before), before))  # b is whole, and not bound
    other, canary = naming.split_exchange(*PLACE, "standard", "b"), naming.canary_queue(*PLACE, "standard")
    calls = [op for batch in skeleton(wanted_by(at[80], half_way), half_way) for op in batch]
    gone = calls.index(Unbind(Binding(other, canary, "queue", key="60")))
    made = calls.index(Bind(Binding(other, canary, "queue", key="80")))
    assert gone < made  # the broker ignores a second binding of a queue
    assert settle(at[80], half_way, dice) == wanted_by(at[80], settle(at[80], half_way, dice))


def test_twins_of_what_is_wanted_stay_and_give_no_copies() -> None:
    """Bindings that somebody made beside ours, which differ in arguments alone; the plans go on around them."""
    for seed in range(6):
        dice = random.Random(seed)
        broker = settle(a_random_route(dice), NOTHING, dice)
        for _ in range(4):
            plain = sorted((b for b in broker.bindings if b.to == "exchange" and not b.rung), key=repr)
            twins = {binding._replace(rung='{"note": "1"}') for binding in dice.sample(plain, min(5, len(plain)))}
            broker = replace(broker, bindings=broker.bindings | twins)
            wanted = wanted_by(a_random_route(dice), broker)
            watch = Watch()
            for state in a_pass(wanted, broker, dice):
                watch.see(state)
                broker = state
            broker = settle(wanted, broker, dice)
            ours = {binding._replace(rung="") for binding in wanted.bindings}
            assert {b for b in twins if b._replace(rung="") in ours} <= broker.bindings
            assert {b._replace(rung="") for b in broker.bindings if b.to == "exchange"} <= ours
