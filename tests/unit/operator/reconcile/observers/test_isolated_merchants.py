"""What is decided of own queues at a tick: by which pods, when not at all, and what is told and measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from merchantroute_operator import naming
from merchantroute_operator.isolation.decide import Decision, decide
from merchantroute_operator.isolation.isolation_events import IsolationEvent
from merchantroute_operator.isolation.model import MerchantFigures
from merchantroute_operator.reconcile.observers import isolated_merchants
from merchantroute_operator.reconcile.observers.isolated_merchants import figures, merged, waiting_in_pods
from merchantroute_operator.reconcile.route_metrics import RouteMetrics
from merchantroute_operator.scaling.model import Pulse
from tests.unit.operator.operator_under_test import KEY
from tests.unit.operator.own_queue_world import MERCHANT, QUEUE, OwnFleet, own_fleet
from tests.unit.operator.route_samples import a_route

LABELS = dict(zip(("namespace", "route"), KEY, strict=True))


def pulse(pod: str, lane: str = "stable", tier: str = "standard", slots: int | None = 20) -> Pulse:
    known = {"hut": MerchantFigures("hut", in_flight=2)}
    return Pulse(
        pod, *KEY, tier, lane, 7, 1.0, 1, 5, 0.0, 0, 0, 0, slots=slots, active=9, fair_share=3, merchants=known
    )


def test_stable_pods_that_know_own_queues_are_witnesses_and_no_others() -> None:
    pulses = [pulse("one"), pulse("canary", "canary"), pulse("old", slots=None), pulse("gone", tier="gone")]
    found = figures(a_route(), pulses)

    assert {tier: [each.pod for each in pods] for tier, pods in found.items()} == {
        "enterprise": [],
        "standard": ["one"],
    }
    (one,) = found["standard"]
    assert one.pod == "one"
    assert (one.slots, one.active, one.fair_share, one.busy, one.started) == (20, 9, 3, 5, 7)
    assert one.merchants["hut"].in_flight == 2


def test_events_of_one_tick_and_reason_are_one() -> None:
    slow = [IsolationEvent("OwnQueueOpened", f"m{n}: slow", f"m{n}", warning=True) for n in range(30)]
    calm = IsolationEvent("OwnQueueClosed", "inn: well", "inn")
    told = merged([*slow, calm])

    assert [event.reason for event in told] == ["OwnQueueOpened", "OwnQueueClosed"]
    assert told[0].text == "m0: slow; m1: slow; m2: slow; m3: slow; m4: slow and 25 more"
    assert told[1] == calm


def slow(count: int, of: int) -> list[MerchantFigures]:
    return [MerchantFigures(f"m{n}", in_flight=1, slow=n < count, failed=n < count) for n in range(of)]


def suffers(count: int, of: int, **spec: Any) -> OwnFleet:
    merchants = {f"m{n}": "standard" for n in range(of)}
    world = own_fleet(merchants=merchants, isolation=spec)
    world.turn(*slow(0, of))
    for failed in range(1, 4):
        world.turn(*(replace(each, failed=each.failed * failed) for each in slow(count, of)))
    return world


def test_when_most_merchants_trip_in_every_pod_nobody_is_isolated_and_it_is_told() -> None:
    world = suffers(8, 10)
    assert world.kube.status.get("ownQueues", []) == []
    assert world.condition("Isolating")[1] == "IsolationFrozen"
    assert any("IsolationFrozen" in event for event in world.kube.events)
    assert samples(world)["merchantroute_operator_isolation_frozen"] == [(LABELS, 1.0)]


def test_more_than_there_is_room_for_is_told_and_counted() -> None:
    world = suffers(3, 10, maxOwnQueues=2)
    assert len(world.kube.status["ownQueues"]) == world.kube.status["totals"]["ownQueues"] == 2
    assert world.condition("Isolating")[1] == "TooManyOwnQueues"
    assert samples(world)["merchantroute_operator_own_queues_without_room"] == [(LABELS, 1.0)]


def test_a_dry_run_tells_and_opens_nothing() -> None:
    world = suffers(2, 10, mode="DryRun")
    assert not [name for name in world.broker.topology.queues if ".own." in name]
    assert any("OwnQueueOpened: Dry run, nothing is changed" in event for event in world.kube.events)


def samples(world: OwnFleet) -> dict[str, list[tuple[dict[str, str], float]]]:
    registry = CollectorRegistry()
    registry.register(RouteMetrics(world.reconciler.states))
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def test_metrics_have_sums_and_closed_words_and_no_merchant() -> None:
    world = own_fleet()
    world.turn(times=3)
    world.broker.held[QUEUE] = 7
    world.tick()
    found = samples(world)

    tier = LABELS | {"tier": "standard"}
    assert found["merchantroute_operator_own_queues"] == [(tier | {"why": "Pinned", "stage": "Open"}, 1.0)]
    assert found["merchantroute_operator_own_queue_waiting"] == [(tier, 7.0)]
    share = world.reconciler.states[KEY].own.queues[MERCHANT].share
    assert found["merchantroute_operator_own_queue_share"] == [(tier, float(share))]
    assert found["merchantroute_operator_own_queues_opened_total"] == [(LABELS, 1.0)]
    assert 0 < found["merchantroute_operator_own_queues_opening_seconds_total"][0][1] < 10


def test_what_waits_in_an_own_queue_is_in_the_lanes_figures_as_its_share_lets_through_and_exact_at_rest() -> None:
    world = own_fleet(isolation={"pinned": [MERCHANT]}, tiers=[
        {"name": "enterprise"}, {"name": "standard", "merchantLimits": {"maxInFlight": 3}}
    ])  # fmt: skip
    world.turn(times=3)
    world.broker.held[QUEUE] = 500
    world.turn(times=10)
    lane = next(lane for lane in world.kube.status["lanes"] if lane["tier"] == "standard")
    assert (lane["queued"], world.kube.status["ownQueues"][0]["waiting"]) == (3, 500)
    world.broker.held[QUEUE] = 499
    world.turn(times=3)
    assert world.kube.status["ownQueues"][0]["waiting"] == 500
    world.turn(times=10)
    assert world.kube.status["ownQueues"][0]["waiting"] == 499


def test_what_waits_in_the_lanes_is_told_since_a_share_shrinks_only_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []

    def noting(*given: Any, backlog: dict[str, int], **more: Any) -> Decision:
        told.append(backlog)
        return decide(*given, backlog=backlog, **more)

    monkeypatch.setattr(isolated_merchants, "decide", noting)
    world = own_fleet()
    lane = naming.stable_queue(*KEY, "standard")
    world.broker.held[lane] = 700
    world.turn()
    assert told[-1] == {"standard": 700, "enterprise": 0}
    world.broker.held[lane], world.broker.unacked[lane] = 0, 12  # with pods of which no slot is busy
    world.turn()
    assert told[-1] == {"standard": 12, "enterprise": 0}


@pytest.mark.parametrize(
    ("unacked", "own", "waiting"),
    [
        (14, {"hut"}, 8),  # 5 busy slots in each of two pods, 2 of them with orders of the own queue
        (6, {"hut"}, 0),
        (3, {"hut"}, 0),  # the broker's figure is older than the pods'
        (14, set(), 0),  # without own queues every order of the lane that a pod has begins
    ],
)
def test_orders_of_the_lane_that_pods_hold_and_cannot_begin_wait(unacked: int, own: set[str], waiting: int) -> None:
    pods = figures(a_route(), [pulse("one"), pulse("two")])["standard"]

    assert waiting_in_pods(unacked, pods, own) == waiting


def test_nothing_is_guessed_of_pods_that_do_not_say_how_many_slots_are_busy() -> None:
    pods = [replace(each, busy=None) for each in figures(a_route(), [pulse("one")])["standard"]]

    assert waiting_in_pods(14, pods, {"hut"}) == 0


@pytest.mark.parametrize("more", [{"paused": True}, {"isolation": {"mode": "Off", "pinned": [MERCHANT]}}])
def test_nothing_is_decided_on_a_paused_route_or_where_it_is_off(more: dict[str, Any]) -> None:
    world = own_fleet(isolation={})
    world.change(**{"merchants": {MERCHANT: "standard"}, "isolation": {"pinned": [MERCHANT]}, **more})
    world.look()
    world.turn(times=4)
    assert world.reconciler.states[KEY].own.queues == {}


def test_the_tick_asks_for_a_pass_only_where_something_is_to_be_told() -> None:
    world = own_fleet()
    world.turn(times=4)
    state = world.reconciler.states[KEY]
    world.say()
    state.schedule.full = False
    world.tick()
    assert not state.schedule.full
    world.change(merchants={MERCHANT: "standard"}, isolation={"mode": "Off"})
    world.look()
    state.schedule.full = False
    world.tick()
    assert state.schedule.full
