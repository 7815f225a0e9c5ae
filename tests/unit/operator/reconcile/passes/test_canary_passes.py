"""A canary through its life: started, diverted to, judged, aborted, promoted, taken away."""

from __future__ import annotations

from typing import Any

import pytest

from merchantroute_operator.naming import LABEL_LANE, LABEL_TIER
from tests.unit.operator.canary_scenario import ANNOTATION, CANARY, TIER, WALK, Road, road, spec_of
from tests.unit.operator.operator_under_test import DOOR, KEY, PROOF, STILL
from tests.unit.operator.pod_samples import worker_metadata
from tests.unit.operator.route_samples import raw_route


def test_orders_are_parted_once_the_canary_has_a_ready_pod() -> None:
    world = Road(raw_route(**spec_of({"weight": 20, "image": "worker:2", "pool": "prefork", "concurrency": 4})))
    world.look()
    assert world.share() == 0
    assert world.phase() == ("Starting", 0)
    assert world.condition("Progressing")[1] == "CanaryStarting"
    assert CANARY in world.broker.topology.queues
    container = world.lanes()["canary"]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "worker:2"
    assert container["args"][2:] == ["--pool", "prefork", "--concurrency", "4"]
    world.settle()
    world.settle()
    assert world.share() == 20
    assert world.phase() == ("Fixed", 20)
    assert [(lane["tier"], lane["lane"]) for lane in world.kube.status["lanes"]][:2] == [
        ("standard", "stable"),
        ("standard", "canary"),
    ]
    world.log.clear()
    world.look()
    assert world.log == []


def test_by_hand_from_5_to_100_to_0_and_back() -> None:
    world = road({"weight": 5})
    for weight in (50, 100, 0, 30):
        world.rewrite({"weight": weight})
        world.look()
        assert world.share() == weight
        assert "canary" in world.lanes()
    assert len([name for name in world.broker.topology.exchanges if ".split." in name]) == 1


def test_a_canary_that_is_not_wanted_any_more_goes_once_its_queue_is_empty() -> None:
    world = road({"weight": 50})
    world.broker.held = {CANARY: 3}
    world.rewrite(None)
    world.look()
    assert world.share() == 0
    assert "canary" in world.lanes()  # its pods work off what it holds
    assert not [line for line in world.log if line.startswith("move")]
    world.broker.held = {}
    for _ in range(PROOF):
        world.look()
        world.at += STILL
    assert CANARY not in world.broker.topology.queues
    assert "canary" not in world.lanes()
    assert "canaries" not in world.kube.status


def test_the_annotation_aborts_at_once_and_what_the_canary_holds_is_moved() -> None:
    world = road({"weight": 50})
    world.broker.held = {CANARY: 7}
    world.change(**spec_of({"weight": 50}), merchants={"hut": "standard"})  # something else to do
    world.annotate("abort:standard")
    world.look()
    assert "apply ConfigMap" in world.log
    unbound = world.log.index(f"unbind {TIER}")
    assert not [line for line in world.log[:unbound] if line.startswith(("apply", "declare", "bind"))]
    assert world.share() == 0
    assert "canary" not in world.lanes()
    assert f"move {CANARY} to {DOOR}.router" in world.log
    assert world.phase() == ("Aborted", 0)
    assert any(event.startswith("Warning CanaryAborted: standard: by annotation") for event in world.kube.events)
    assert ANNOTATION in world.annotations()
    world.look()
    assert ANNOTATION not in world.annotations()
    for _ in range(PROOF):
        world.at += STILL
        world.look()
    assert world.phase() == ("Aborted", 0)
    assert CANARY not in world.broker.topology.queues
    world.rewrite({"weight": 10})
    for _ in range(3):
        world.settle()
    assert world.share() == 10


def test_promote_sends_everything_to_the_canary() -> None:
    world = road(WALK)
    world.annotate("promote:standard")
    world.look()
    assert world.share() == 100
    world.look()
    assert (world.phase(), world.annotations()) == (("Promoted", 100), {})


def test_an_annotation_that_means_nothing_is_told_and_taken_away() -> None:
    world = road({"weight": 5})
    for text in ("abort:gold", "stop"):
        world.annotate(text)
        world.look()
        assert world.annotations() == {}
        assert f'Warning CanaryAnnotationIgnored: "{text}": write abort:<tier>' in world.kube.events[-1]
    assert world.share() == 5


def test_a_walk_goes_on_when_it_is_good_and_the_spec_stays_as_it_was_written() -> None:
    world = road(WALK)
    assert (world.share(), world.phase()) == (5, ("Walking", 5))
    before = world.kube.stored
    for finished in (0, 60, 120):
        world.work("stable", finished * 20)
        world.work("canary", finished)
        world.tick(31)
        world.look()
    assert (world.share(), world.phase()) == (50, ("Walking", 50))
    assert world.kube.stored == before
    assert any("CanaryWalking: standard: 50 % of the orders, step 2 of 2" in event for event in world.kube.events)


@pytest.mark.parametrize("clock_step", [3600.0, -3600.0])
def test_a_clock_that_is_set_anew_makes_a_step_neither_shorter_nor_longer(clock_step: float) -> None:
    world = road(WALK)
    shares = []
    for finished in (0, 60, 120):
        world.work("stable", finished * 20)
        world.work("canary", finished)
        world.tick(31)
        world.clock_step = clock_step
        world.look()
        shares.append(world.share())
    assert shares == [5, 5, 50]


def test_a_walk_that_turns_bad_is_noticed_by_the_next_tick_and_aborted_with_the_figures() -> None:
    world = road(WALK)
    world.work("stable", 0)
    world.work("canary", 0)
    world.tick()
    world.look()
    world.work("stable", 1000)
    world.work("canary", 40, failed=30)
    assert not world.reconciler.states[KEY].schedule.full
    world.tick()
    assert world.reconciler.states[KEY].schedule.full
    world.look()
    assert (world.share(), world.phase()) == (0, ("Aborted", 0))
    assert any("CanaryAborted" in e and "30 of 40 attempts failed (75.0%)" in e for e in world.kube.events)


def without_ready_pods(world: Road, state: dict[str, Any]) -> None:
    """The canary's one pod is like this."""
    canary = world.lanes()["canary"]
    canary["status"] = {"replicas": 1, "readyReplicas": 0, "updatedReplicas": 1}
    world.reconciler.child_changed("Deployment", *KEY, canary, gone=False)
    labels = canary["metadata"]["labels"]
    pod: dict[str, Any] = {"metadata": worker_metadata("pod-canary", labels[LABEL_TIER], labels[LABEL_LANE])}
    pod["status"] = {"containerStatuses": [{"state": state, "ready": False}]} if state else {}
    world.kube.objects["Pod", "pod-canary"] = pod
    world.look()


def test_a_walk_whose_pods_do_not_stay_up_is_aborted() -> None:
    world = road(WALK)
    without_ready_pods(world, {"running": {}})
    world.tick(times=20)
    world.look()
    assert world.phase() == ("Aborted", 0)


@pytest.mark.parametrize("state", [{}, {"waiting": {"reason": "ContainerCreating"}}], ids=["drained", "image pulled"])
def test_a_walk_whose_pod_waits_for_a_node_or_its_image_goes_on_where_it_was(state: dict[str, Any]) -> None:
    world = road({**WALK, "steps": [5, 50]})
    without_ready_pods(world, state)
    world.tick(times=20)
    world.look()
    assert (world.phase(), world.share()) == (("Walking", 5), 5)
    world.tick(times=20)
    world.look()
    assert (world.phase(), world.share()) == (("Starting", 0), 0), "no order waits for a pod that does not come"
    world.settle()
    world.settle()
    assert (world.phase(), world.share()) == (("Walking", 5), 5)


def test_at_100_percent_a_restarted_operator_compares_with_what_stable_did_before() -> None:
    world = road({"steps": [50, 100], "interval": "1m", "minOrders": 50})
    for done in (0, 500, 1000):
        for lane in ("stable", "canary"):
            world.work(lane, done, failed=done * 6 // 100)
        world.tick()
        world.look()
        world.at += 30.0
    world.tick()
    world.look()
    assert world.phase() == ("Walking", 100)
    world.start()
    world.scaler = world.new_scaler()
    world.settle()
    world.work("canary", 0)
    world.tick()
    world.work("canary", 1000, failed=60)
    world.tick()
    world.look()
    assert world.phase() == ("Walking", 100), "a merchant that fails 6 % did so in the stable lane too"
    world.work("canary", 2000, failed=400)
    world.tick()
    world.look()
    assert world.phase() == ("Aborted", 0)
