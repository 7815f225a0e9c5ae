"""Own queues from decision to deletion: pods are told before orders come, and none is deleted that may hold one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from merchantroute_operator.isolation.model import MerchantFigures
from tests.unit.operator.operator_under_test import DOOR, KEY, STILL, first
from tests.unit.operator.own_queue_world import BOTH, MERCHANT, PODS, QUEUE, ROUTER, OwnFleet, opened, own_fleet
from tests.unit.operator.pod_samples import a_pod

SLOW = MerchantFigures(MERCHANT, in_flight=1, slow=True, failed=3)


def test_a_queue_is_declared_then_told_to_pods_then_led_to() -> None:
    world = own_fleet()
    world.tick()
    world.look()
    assert first(world.log, f"declare {QUEUE}") < first(world.log, "apply ConfigMap")
    assert world.own()[MERCHANT]["bound"] is False
    assert world.own()[MERCHANT]["pods"] == list(PODS)
    assert (world.stage(), world.leads()) == ("Opening", [])

    world.say(pods=("pod-1",))
    world.look()
    assert world.leads() == [], "one pod does not know it"

    world.say(pods=("pod-2",))
    world.look()
    assert world.leads() == [QUEUE]
    assert world.stage() == "Open"
    world.look()
    assert world.own()[MERCHANT]["bound"] is True


def test_the_merchant_that_pods_find_slow_gets_one_order_at_a_time_in_the_fleet() -> None:
    world = own_fleet(isolation={})
    world.turn()
    assert world.own() == {}
    world.turn(SLOW)
    world.turn(replace(SLOW, failed=4), times=3)
    assert world.stage() == "Open"
    assert sorted(world.own()[MERCHANT]["parts"]) == [0, 1]
    assert world.condition("Isolating")[:2] == ("True", "MerchantsIsolated")
    assert any("OwnQueueOpened: hut: slow in 2 of 2 pods" in event for event in world.kube.events)


def test_only_the_first_shard_is_written_for_own_queues_and_merchants_may_be_bound_meanwhile() -> None:
    world = own_fleet()
    world.tick()
    world.look()
    assert world.log.count("apply ConfigMap") == 1
    world.say(pods=("pod-1",))  # pod-2 has not loaded the own queue yet, and knows all merchants
    world.look()
    assert world.reconciler.states[KEY].findings is not None
    assert world.reconciler.states[KEY].findings.configuration.gate.open  # type: ignore[union-attr]


def test_a_pod_of_an_older_version_is_waited_for_and_gets_no_part() -> None:
    world = own_fleet()
    world.say(pods=("pod-2",), slots=None)
    for _ in range(3):
        world.tick()
        world.say(pods=("pod-1",))
        world.say(pods=("pod-2",), slots=None)
        world.look()
    assert world.own()[MERCHANT]["pods"] == ["pod-1"]
    assert world.leads() == []


def test_a_pod_that_does_not_run_yet_gets_no_part_of_a_small_share() -> None:
    world = opened()
    starting = a_pod("pod-0")
    starting["status"]["conditions"][0]["status"] = "False"
    world.kube.objects["Pod", "pod-0"] = starting
    world.turn(times=2)
    assert world.own()[MERCHANT]["pods"] == list(PODS)


def test_pods_that_went_back_to_an_older_version_get_the_orders_from_their_tiers_queue() -> None:
    world = opened()
    world.broker.held[QUEUE] = 9
    world.say(slots=None)
    world.tick()
    world.look()
    assert world.leads() == []
    assert f"move {QUEUE} to {ROUTER}" in world.log
    world.tick()
    world.say(slots=None)
    world.look()
    assert (world.stage(), world.leads()) == ("Opening", []), "it is wanted, and led to once pods know it"


def test_pods_that_never_say_what_they_do_are_led_no_orders_that_they_do_not_consume() -> None:
    shop = {"image": "shop:1", "command": ["celery", "worker"]}
    world = own_fleet(worker=shop)
    world.start()  # nothing that was heard
    world.scaler = world.new_scaler()
    world.settle()
    for _ in range(4):
        world.tick()
        world.at += 61
        world.look()
    assert (world.stage(), world.leads()) == ("Opening", [])


def test_a_tier_without_pods_has_its_merchants_queue_led_to_at_once() -> None:
    world = own_fleet(merchants={MERCHANT: "enterprise"})
    world.tick()
    world.look()
    assert (world.stage(), world.leads()) == ("Open", [QUEUE])


def closed() -> OwnFleet:
    world = opened()
    world.change(**BOTH, isolation={"mode": "Off"})
    world.look()
    world.tick()
    return world


def test_a_closed_queue_is_worked_until_it_is_drained_and_deleted_once_nobody_consumes_it() -> None:
    world = closed()
    world.broker.held[QUEUE], world.broker.consumers[QUEUE] = 3, 2
    world.look()
    assert (world.leads(), world.stage()) == ([], "Closing")
    for _ in range(10):
        world.at += STILL
        world.say()
        world.look()
    assert sum(world.own()[MERCHANT]["parts"]) > 0, "it holds orders"

    del world.broker.held[QUEUE]
    for _ in range(6):
        world.at += STILL
        world.say()
        world.look()
    assert MERCHANT not in world.own(), "pods need it no more"
    assert QUEUE in world.broker.topology.queues, "somebody consumes it still"

    del world.broker.consumers[QUEUE]
    world.look()
    assert QUEUE not in world.broker.topology.queues
    assert "ownQueues" not in world.kube.status
    assert "own.json" not in world.config()


def test_an_order_that_comes_late_to_a_closed_queue_is_worked() -> None:
    world = closed()
    for _ in range(6):
        world.at += STILL
        world.say()
        world.look()
        if MERCHANT not in world.own():
            break
        world.broker.consumers[QUEUE] = 2
    world.broker.late[QUEUE] = 1
    world.broker.consumers[QUEUE] = 0
    world.look()
    assert QUEUE in world.broker.topology.queues
    world.broker.held[QUEUE] = 1
    world.look()
    assert MERCHANT in world.own()


def test_a_merchant_that_needs_its_queue_again_while_it_closes_keeps_it() -> None:
    world = closed()
    world.look()
    world.change(**BOTH, isolation={"pinned": [MERCHANT]})
    world.look()
    world.turn(times=3)
    assert (world.stage(), world.leads()) == ("Open", [QUEUE])


def test_another_operator_goes_on_from_the_status() -> None:
    world = opened()
    before = world.reconciler.states[KEY].own.queues[MERCHANT]
    world.start()
    world.scaler = world.new_scaler()
    parts = world.own()
    world.look()
    assert world.own() == parts, "pods have not spoken yet, and keep their parts"
    world.turn()
    assert world.reconciler.states[KEY].own.queues[MERCHANT] == replace(before, since=round(before.since))
    assert world.leads() == [QUEUE]


def test_a_queue_of_which_no_status_speaks_is_drained_and_deleted() -> None:
    world = opened(isolation={"pinned": [MERCHANT]})
    world.kube.status.pop("ownQueues")
    world.change(**BOTH)
    world.start()
    world.scaler = world.new_scaler()
    world.look()
    assert (world.stage(), world.leads()) == ("Closing", [])
    for _ in range(8):
        world.at += STILL
        world.say()
        world.look()
    assert QUEUE not in world.broker.topology.queues
    assert world.stage() is None


def test_a_merchant_moves_with_its_queue_to_its_new_tiers_pods() -> None:
    world = opened()
    world.say(pods=("pod-3",), tier="enterprise")
    world.change(**{**BOTH, "merchants": {MERCHANT: "enterprise"}}, isolation={"pinned": [MERCHANT]})
    world.look()
    for _ in range(3):
        world.say()
        world.say(pods=("pod-3",), tier="enterprise")
        world.tick()
        world.look()
    assert world.bound()[MERCHANT] == f"{DOOR}.enterprise"
    assert world.leads() == [QUEUE]
    assert (world.own()[MERCHANT]["tier"], world.own()[MERCHANT]["pods"]) == ("enterprise", ["pod-3"])
    assert sum(world.own()[MERCHANT]["parts"]) > 0


def test_the_new_tiers_pods_begin_only_what_the_old_ones_may_not() -> None:
    world = opened(isolation={}, merchants={MERCHANT: "standard"}, tiers=limited_tiers(4))
    assert sum(world.own()[MERCHANT]["parts"]) == 4
    world.change(isolation={}, merchants={MERCHANT: "enterprise"}, tiers=limited_tiers(4))
    old = world.generation()
    world.say(pods=("pod-3",), tier="enterprise")
    world.look()
    world.tick()
    world.look()
    assert world.own()[MERCHANT]["tier"] == "enterprise"
    assert sum(world.own()[MERCHANT]["parts"]) == 0, "the old tier's pods run by their parts"
    world.say(pods=("pod-1",))
    world.say(pods=("pod-2",), generation=old)
    world.look()
    assert sum(world.own()[MERCHANT]["parts"]) == 2
    world.say()
    world.look()
    assert sum(world.own()[MERCHANT]["parts"]) == 4


def limited_tiers(most: int) -> list[dict[str, Any]]:
    limits = {"allowedMerchants": ["*"], "merchantLimits": {"maxInFlight": most}}
    return [{"name": name, **limits} for name in ("enterprise", "standard")]


def test_a_tier_that_is_removed_leaves_its_merchants_queue_to_the_default_tier() -> None:
    world = opened(merchants={MERCHANT: "enterprise"}, tiers=("enterprise", "standard"))
    world.change(tiers=("standard",), merchants={MERCHANT: "standard"}, isolation={"pinned": [MERCHANT]})
    world.look()
    world.turn(times=3)
    assert world.own()[MERCHANT]["tier"] == "standard"
    assert world.leads() == [QUEUE]
