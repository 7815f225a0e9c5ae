"""A route's lane for suspect orders through its life: made with the route, woken by an order, never in the way."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from merchantroute_operator.naming import FINALIZER
from merchantroute_operator.reconcile.scaler import Scaler
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.topology.objects import COUNTS_ALL, Uncounted
from tests.unit.operator.operator_under_test import DOOR, KEY, PROOF, STILL, World
from tests.unit.operator.pod_samples import a_pod
from tests.unit.operator.route_samples import raw_route

SUSPECT = f"{DOOR}.suspect"


class Fleet(World):
    """The world with its scaler, and Deployments that have as many ready pods as they ask for."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.scaler = self.new_scaler()

    def new_scaler(self) -> Scaler:
        """That of the operator which runs now."""
        return Scaler(
            self.reconciler._ctx,
            self.reconciler.states,
            touch=self.reconciler.touch,
            update_status=self.reconciler.queue.add,
            tick=2.0,
        )

    def live(self) -> dict[str, Any]:
        """Tier -> Deployment."""
        found = (body for (kind, _), body in self.kube.objects.items() if kind == "Deployment")
        return {body["metadata"]["labels"]["merchantroute.dev/tier"]: body for body in found}

    def settle(self) -> None:
        """A full pass; then the watches bring the Deployments, and the pods of their newest number are ready."""
        self.look()
        for body in self.live().values():
            wanted = body["spec"]["replicas"]
            body["status"] = {"replicas": wanted, "readyReplicas": wanted, "updatedReplicas": wanted}
            self.reconciler.child_changed("Deployment", *KEY, body, gone=False)

    def tick(self, seconds: float = 2.0, times: int = 1) -> int:
        """Ticks of the scaler; the number of pods that the suspect lane is left with."""
        for _ in range(times):
            self.at += seconds
            asyncio.run(self.scaler.tick())
        return int(self.live()["suspect"]["spec"]["replicas"])

    def crash(self, restarts: int = 1, name: str = "pos-suspect-1") -> None:
        """The suspect lane's pod has been restarted so many times, has ended again, and waits."""
        ended = {"terminated": {"exitCode": 137, "reason": "Error", "message": '{"message": "taken"}\n'}}
        waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
        pod = a_pod(name, tier="suspect", lane="suspect")
        pod["status"]["conditions"][0]["status"] = "False"
        pod["status"]["containerStatuses"] = [
            {"state": waiting, "lastState": ended, "ready": False, "restartCount": restarts}
        ]
        self.kube.objects["Pod", name] = pod

    def lane(self) -> dict[str, Any]:
        """The suspect lane in the status."""
        found: dict[str, Any] = next(lane for lane in self.kube.status["lanes"] if lane["lane"] == "suspect")
        return found


def fleet(**spec: Any) -> Fleet:
    """A route that is as wanted and has been watched for a while."""
    world = Fleet(raw_route(**spec))
    world.settle()
    world.tick(times=10)
    world.settle()
    return world


def test_a_healthy_route_has_the_lane_and_no_pod_for_it() -> None:
    world = fleet()
    assert world.live()["suspect"]["spec"]["replicas"] == 0
    assert SUSPECT in world.broker.topology.queues
    assert world.tick(times=100) == 0
    world.look()
    assert world.condition() == ("True", "AsWanted", "Orders flow")
    assert world.condition("WorkersAvailable")[2] == "2 of 2 pods ready"
    assert (world.lane()["tier"], world.lane()["queue"], world.lane()["desiredReplicas"]) == ("suspect", SUSPECT, 0)


def test_a_suspect_order_wakes_one_pod_which_goes_when_there_is_none_for_a_while() -> None:
    world = fleet()
    world.broker.held = {SUSPECT: 3}
    assert world.tick() == 1
    assert any(event.startswith("Normal ScaledWoken: pos-suspect-") for event in world.kube.events)
    world.settle()
    world.tick()
    world.look()
    assert world.condition()[0] == "True"
    assert (world.lane()["queued"], world.lane()["replicas"]) == (3, 1)
    assert world.kube.status["totals"]["queued"] == 3
    world.broker.held = {}
    assert world.tick(times=50) == 1
    assert world.tick(times=20) == 0


def test_the_route_stays_ready_while_the_pod_that_is_woken_is_not() -> None:
    world = fleet()
    world.broker.held = {SUSPECT: 1}
    world.tick()
    world.live()["suspect"]["status"] = {"replicas": 1, "updatedReplicas": 0}
    world.look()
    assert world.condition()[0] == world.condition("WorkersAvailable")[0] == "True"
    assert world.condition("Progressing")[0] == "False"


def test_a_pod_that_an_order_kills_is_told_in_its_lane_and_no_fault_of_the_route() -> None:
    world = fleet()
    world.broker.held = {SUSPECT: 1}
    world.tick()
    world.settle()
    stuck = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
    world.live()["suspect"]["status"] = {"replicas": 1, "updatedReplicas": 1, "conditions": stuck}
    world.crash()
    world.look()
    assert world.condition()[0] == world.condition("WorkersAvailable")[0] == "True"
    assert world.condition("Progressing")[0] == "False"
    assert world.condition("Progressing")[1] == "AsWanted"
    said = world.lane()["message"]
    assert said.startswith("pod pos-suspect-1: ended 2 times, exit code 137")
    assert "goes to dead letters once it has killed it twice alone" in said
    world.crash(restarts=2)
    world.look()
    assert [event for event in world.kube.events if "SuspectLane" in event] == [f"Warning SuspectLane: {said}"]
    assert world.tick(times=100) == 1  # its order is still there
    world.broker.held = {}
    del world.kube.objects["Pod", "pos-suspect-1"]
    world.look()
    assert "message" not in world.lane()


def test_a_pod_that_kubernetes_would_restart_ever_later_is_replaced_once() -> None:
    world = fleet()
    world.broker.held = {SUSPECT: 2}
    world.tick()
    world.settle()
    world.crash(restarts=2)
    world.look()
    assert world.tick(times=10) == 1
    world.crash(restarts=3)
    world.look()
    assert world.tick() == 0
    assert world.tick() == 1
    assert [event.split(":")[0] for event in world.kube.events[-2:]] == ["Normal ScaledRenewed", "Normal ScaledWoken"]
    # what is known of pods may be older than what was done
    assert world.tick(times=10) == 1
    del world.kube.objects["Pod", "pos-suspect-1"]
    world.crash(restarts=3, name="pos-suspect-2")
    world.look()
    assert [world.tick(), world.tick(), world.tick()] == [0, 1, 1]


def test_only_the_suspect_lane_gets_a_new_pod_for_one_that_waits() -> None:
    world = fleet()
    world.crash(restarts=9)
    world.kube.objects["Pod", "pos-suspect-1"]["metadata"] = a_pod("pos-suspect-1")["metadata"]
    world.look()
    world.log.clear()
    world.tick(times=5)
    assert not [line for line in world.log if line.startswith("scale")]


def test_a_policy_that_somebody_puts_on_its_queue_is_drift() -> None:
    world = fleet()
    world.broker.policies = {SUSPECT: "limit-all", f"{SUSPECT}s": "of-a-tier-of-that-name"}
    world.tick()
    world.look()
    assert world.condition("Drifted")[::2] == (
        "True",
        f"Policy limit-all matches {SUSPECT}: exclude names that begin with mr.",
    )


def test_a_drain_waits_for_suspect_orders_and_keeps_their_pod() -> None:
    world = fleet()
    world.delete(policy="Drain")
    world.broker.held = {SUSPECT: 1}
    world.look()
    assert world.tick() == 1
    world.at += 60
    world.look()
    assert "1 orders" in world.condition("Progressing")[2]
    world.broker.held = {}
    for _ in range(PROOF):
        world.look()
        world.at += STILL
    assert world.kube.stored["metadata"]["finalizers"] == []  # type: ignore[index]
    assert set(world.broker.topology.queues) == {f"{DOOR}.dead"}
    assert not world.live()


def test_force_counts_suspect_orders_and_retain_keeps_them() -> None:
    world = fleet()
    world.broker.held = {SUSPECT: 2, f"{DOOR}.standard.stable": 5}
    world.delete(policy="Force")
    world.look()
    world.at += STILL
    world.look()
    assert any("7 orders" in event for event in world.kube.events)
    assert not world.broker.topology.queues

    world = fleet()
    world.delete(policy="Retain")
    world.look()
    assert SUSPECT in world.broker.topology.queues
    assert not world.live()
    assert world.kube.stored["metadata"]["finalizers"] == []  # type: ignore[index]


def test_a_route_from_before_the_lane_gets_it_by_the_next_pass_and_stays_ready() -> None:
    world = fleet()
    topology = world.broker.topology
    world.broker.topology = replace(
        topology,
        exchanges={name: x for name, x in topology.exchanges.items() if name != SUSPECT},
        queues={name: q for name, q in topology.queues.items() if name != SUSPECT},
        bindings=frozenset(b for b in topology.bindings if b.source != SUSPECT),
    )
    name = world.live()["suspect"]["metadata"]["name"]
    del world.kube.objects["Deployment", name]
    del world.reconciler.states[KEY].deployments[name]
    world.look()
    assert world.broker.topology == topology
    assert world.live()["suspect"]["spec"]["replicas"] == 0
    assert world.condition()[0] == "True"
    assert world.kube.stored["metadata"]["finalizers"] == [FINALIZER]  # type: ignore[index]


def test_a_suspect_queue_that_somebody_deleted_is_made_again_at_once() -> None:
    world = fleet()
    world.broker.topology = replace(
        world.broker.topology,
        queues={name: q for name, q in world.broker.topology.queues.items() if name != SUSPECT},
        bindings=frozenset(b for b in world.broker.topology.bindings if b.source != SUSPECT),
    )
    world.tick()
    assert world.reconciler.states[KEY].schedule.full
    world.look()
    assert SUSPECT in world.broker.topology.queues


def test_its_pod_too_must_know_a_merchant_before_it_is_bound_and_counts_for_no_tier() -> None:
    world = fleet(merchants={"hut": "enterprise"})
    world.kube.objects["Pod", "pos-suspect-1"] = a_pod("pos-suspect-1", tier="suspect", lane="suspect")
    world.hear(Pulse("pos-suspect-1", *KEY, "suspect", "suspect", 0, world.at, 1, 0, 0.0, 0, 0, 0))
    world.pulse("pod-1", 2)
    world.change(merchants={"hut": "standard"})
    world.look()
    assert world.bound() == {"hut": f"{DOOR}.enterprise"}
    world.tick()
    world.look()
    generations = {lane["tier"]: lane.get("configGeneration") for lane in world.kube.status["lanes"]}
    assert generations == {"enterprise": None, "standard": 2, "suspect": 1}
    world.hear(Pulse("pos-suspect-1", *KEY, "suspect", "suspect", 0, world.at, 2, 0, 0.0, 0, 0, 0))
    world.look()
    assert world.bound() == {"hut": f"{DOOR}.standard"}


def test_without_statistics_every_lane_has_a_pod_and_the_condition_names_the_setting() -> None:
    world = fleet()
    assert world.tick() == 0
    world.broker.uncounted = Uncounted("the broker keeps no statistics: set this", queues=True)
    world.settle()
    assert world.tick() == 1
    assert world.tick(60, 3) == 1
    world.look()
    assert world.condition("ScalingActive") == (
        "False",
        "StatisticsOff",
        "Every lane keeps its pods, and has one at least: the broker keeps no statistics: set this",
    )
    world.broker.uncounted = COUNTS_ALL
    world.settle()
    world.tick(20, 20)
    world.look()
    assert world.condition("ScalingActive")[0] == "True"


def test_where_publishes_are_not_counted_arrivals_are_unknown_and_not_none() -> None:
    world = fleet()
    world.tick(20, 2)
    assert world.reconciler.states[KEY].lanes["standard", "stable"].observation.arrival_rate == 0  # type: ignore[union-attr]
    world.broker.uncounted = Uncounted("the broker counts no publishes: set this")
    world.settle()
    world.tick(20, 2)
    assert world.reconciler.states[KEY].lanes["standard", "stable"].observation.arrival_rate is None  # type: ignore[union-attr]
    world.look()
    assert world.condition("ScalingActive") == (
        "False",
        "StatisticsOff",
        "Every lane grows with what waits, and stays: the broker counts no publishes: set this",
    )
