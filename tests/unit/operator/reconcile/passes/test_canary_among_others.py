"""A canary through what else happens to its route: a new operator, a deletion, a pause, a hand in the broker."""

from __future__ import annotations

from dataclasses import replace

from merchantroute_operator.errors import BrokerUnreachable
from tests.unit.operator.canary_scenario import ANNOTATION, CANARY, TIER, WALK, road
from tests.unit.operator.operator_under_test import DOOR, KEY, PROOF, STILL


def test_a_new_operator_goes_on_where_the_status_says() -> None:
    world = road(WALK)
    world.kube.status["canaries"][0] |= {"weight": 50, "step": 1}
    world.reconciler.states.clear()
    world.settle()
    assert (world.share(), world.phase()) == (50, ("Walking", 50))


def test_an_aborted_canary_stays_so_through_a_new_operator_that_cannot_reach_the_broker() -> None:
    world = road({"weight": 50})
    world.annotate("abort:standard")
    world.look()
    world.look()
    world.reconciler.states.clear()
    world.broker.failing = BrokerUnreachable("no answer")
    world.look()
    assert world.phase() == ("Aborted", 0)
    world.broker.failing = None
    world.settle()
    world.settle()
    assert (world.share(), world.phase()) == (0, ("Aborted", 0))


def test_a_deletion_right_after_an_abort_drains_what_the_canary_held() -> None:
    world = road({"weight": 50})
    world.annotate("abort:standard")
    world.look()
    world.broker.held = {CANARY: 4}
    world.delete(policy="Drain")
    world.look()
    assert f"move {CANARY} to {TIER}.stable" in world.log


def test_stable_is_sized_for_the_whole_tier() -> None:
    world = road({"weight": 100})
    world.broker.held = {CANARY: 100_000}
    world.tick()
    world.tick()
    lanes = world.lanes()
    assert lanes["stable"]["spec"]["replicas"] == lanes["canary"]["spec"]["replicas"] == 10


def test_force_and_drain_take_the_canary_with_them() -> None:
    world = road({"weight": 50})
    world.broker.held = {CANARY: 2}
    world.delete(policy="Drain")
    world.look()
    assert "2 orders" in world.condition("Progressing")[2]
    world.broker.held = {}
    for _ in range(PROOF):
        world.at += STILL
        world.look()
    assert set(world.broker.topology.queues) == {f"{DOOR}.dead"}
    assert not world.lanes()


def test_a_paused_route_keeps_its_share_and_its_annotation_waits() -> None:
    world = road({"weight": 50})
    assert world.kube.stored is not None
    world.kube.stored["spec"]["paused"] = True
    world.annotate("abort:standard")
    world.tick()
    world.look()
    assert (world.share(), world.phase()) == (50, ("Fixed", 50))
    assert ANNOTATION in world.annotations()
    world.kube.stored["spec"]["paused"] = False
    world.look()
    assert (world.share(), world.phase()) == (0, ("Aborted", 0))


def test_a_walk_that_turns_bad_while_the_route_is_paused_is_left_as_it_is_and_nothing_is_called_different() -> None:
    world = road(WALK)
    assert world.kube.stored is not None
    world.work("stable", 0)
    world.work("canary", 0)
    world.tick()
    world.kube.stored["spec"]["paused"] = True
    world.look()
    world.work("stable", 1000)
    world.work("canary", 40, failed=30)
    world.tick()
    assert not world.reconciler.states[KEY].schedule.full
    world.look()
    assert (world.share(), world.phase()) == (5, ("Walking", 5))
    assert world.condition("Drifted")[0] == "False"
    world.kube.stored["spec"]["paused"] = False
    world.look()
    assert (world.share(), world.phase()) == (0, ("Aborted", 0))


def test_a_change_of_weight_is_no_repair_and_a_split_that_somebody_changed_is_one() -> None:
    world = road({"weight": 50})
    for weight in (60, 0, 40):
        world.rewrite({"weight": weight})
        world.look()
        world.look()
    assert not [event for event in world.kube.events if "Repaired" in event]
    topology = world.broker.topology
    split = next(name for name in topology.exchanges if ".split." in name)
    world.broker.topology = replace(
        topology, bindings=frozenset(b for b in topology.bindings if (b.source, b.target) != (split, CANARY))
    )
    world.look()
    assert world.share() == 40
    assert split not in world.broker.topology.exchanges
    assert [event for event in world.kube.events if "Repaired" in event]
