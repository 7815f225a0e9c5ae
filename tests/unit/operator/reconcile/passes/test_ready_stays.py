"""Ready of a route whose orders flow does not change for what passes by itself; what does not pass is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from merchantroute_operator.errors import (
    AmqpUnreachable,
    BrokerError,
    BrokerRefusedCredentials,
    BrokerUnreachable,
    KubeConflict,
    KubeError,
    ManagementSilent,
    RouteError,
    SecretMissing,
)
from merchantroute_operator.kube.kube_port import Autoscaler, Children, Object
from merchantroute_operator.naming import LABEL_LANE, LABEL_TIER
from tests.unit.operator.operator_under_test import DOOR, KEY, World
from tests.unit.operator.pod_samples import worker_metadata
from tests.unit.operator.reconcile.passes.test_suspect_lane import fleet
from tests.unit.operator.route_samples import raw_route

CONFLICT = KubeConflict("the route has changed")
TOO_MANY = KubeError("Pod with x: the API server answered 429")


def healthy() -> World:
    world = World(raw_route(tiers=["standard"], merchants={"hut": "standard"}))
    world.look()
    world.start_pods()
    for _ in range(2):
        world.pulse("pod-1", 1)
        world.look()
    assert world.condition() == ("True", "AsWanted", "Orders flow")
    world.kube.events.clear()
    return world


def conditions(world: World) -> list[dict[str, Any]]:
    return list(world.kube.status["conditions"])


def fail_broker(error: RouteError) -> Callable[[World, pytest.MonkeyPatch], None]:
    def breaks(world: World, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(world.broker, "failing", error)

    return breaks


def fail_children(error: RouteError) -> Callable[[World, pytest.MonkeyPatch], None]:
    async def children(namespace: str, route: str) -> Children:
        raise error

    return lambda world, patch: patch.setattr(world.kube, "children", children)


def fail_autoscalers(world: World, patch: pytest.MonkeyPatch) -> None:
    """As while the definition of ScaledObject is being installed."""

    async def autoscalers(namespace: str) -> Sequence[Autoscaler]:
        raise KubeError("ScaledObject in orders: storage is (re)initializing")

    patch.setattr(world.kube, "autoscalers", autoscalers)


def fail_annotation(world: World, patch: pytest.MonkeyPatch) -> None:
    async def drop(route: Object, key: str) -> None:
        raise CONFLICT

    patch.setattr(world.kube, "drop_annotation", drop)
    assert world.kube.stored is not None
    world.kube.stored["metadata"]["annotations"] = {"merchantroute.dev/canary": "nonsense"}


def lose_finalizer(world: World, patch: pytest.MonkeyPatch) -> None:
    assert world.kube.stored is not None
    patch.setitem(world.kube.stored["metadata"], "finalizers", [])


PASSING = {
    "the management API is slow": fail_broker(BrokerUnreachable("the management API does not answer in time")),
    "it answers 500": fail_broker(BrokerError("reading queues: the management API answered 500")),
    "it does not answer, AMQP does": fail_broker(ManagementSilent("AMQP answers, the management API does not")),
    "AMQP does not accept one connection": fail_broker(AmqpUnreachable("AMQP does not answer")),
    "429 for a list": fail_children(TOO_MANY),
    "409 in the middle of a pass": fail_annotation,
    "a definition is being installed": fail_autoscalers,
    "somebody takes the finalizer away": lose_finalizer,
}


@pytest.mark.parametrize("breaks", PASSING.values(), ids=list(PASSING))
@pytest.mark.parametrize("restarted", [False, True], ids=["", "after a restart of the operator"])
def test_what_passes_by_itself_changes_no_condition(
    breaks: Callable[[World, pytest.MonkeyPatch], None], restarted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = healthy()
    before = conditions(world)
    if restarted:
        world.start()
        world.pulse("pod-1", 1)
    breaks(world, monkeypatch)
    for _ in range(2):
        world.at += 1.0
        world.pulse("pod-1", 1)
        world.look()
        assert conditions(world) == before
    monkeypatch.undo()
    world.look()
    assert conditions(world) == before
    assert not [event for event in world.kube.events if "CanaryAnnotationIgnored" not in event]


def test_a_broker_that_stays_away_is_told_within_seconds() -> None:
    world = healthy()
    world.broker.failing = AmqpUnreachable("AMQP does not answer")
    world.look()
    world.at += 11.0
    world.look()
    assert world.condition() == ("False", "BrokerUnreachable", "AMQP does not answer")
    assert world.condition("Reconciling")[:2] == ("True", "BrokerUnreachable")


def test_a_management_api_that_stays_silent_is_told_and_stops_no_orders_while_pods_report() -> None:
    world = healthy()
    world.broker.failing = ManagementSilent("the management API does not answer")
    world.look()
    world.at += 61.0
    world.pulse("pod-1", 1)
    world.look()
    assert world.condition()[:2] == ("True", "Unattended")
    assert "management API does not answer" in world.condition()[2]
    world.at += 20.0
    world.look()
    assert world.condition()[:2] == ("False", "PluginMissing"), "no pod reports any more"


@pytest.mark.parametrize("error", [BrokerRefusedCredentials("401"), SecretMissing("Secret x does not exist")])
def test_what_somebody_has_to_mend_is_told_at_once(error: RouteError) -> None:
    world = healthy()
    world.broker.failing = error
    world.look()
    assert world.condition()[:2] == ("False", error.reason)
    assert world.condition("Stalled")[:2] == ("True", error.reason)


def test_a_route_that_was_never_judged_says_what_it_waits_for_at_once() -> None:
    world = World(raw_route())
    world.broker.failing = BrokerUnreachable("no answer")
    world.look()
    assert world.condition()[:2] == ("False", "BrokerUnreachable")


@pytest.mark.parametrize("error", [ManagementSilent("no answer"), BrokerUnreachable("no answer"), TOO_MANY])
def test_a_route_that_is_not_ready_yet_tells_every_error_at_once(error: RouteError) -> None:
    world = World(raw_route())
    world.kube.stored = raw_route()
    world.look()  # the finalizer
    assert world.condition()[:2] == ("False", "QueuesMissing")
    world.broker.failing = error
    world.look()
    assert world.condition()[:2] == ("False", error.reason)


def test_a_new_spec_that_meets_a_silent_server_is_not_said_to_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    world = healthy()
    seen = world.kube.status["observedGeneration"]
    world.change(tiers=["standard"], merchants={"hut": "standard", "new": "standard"})
    fail_children(TOO_MANY)(world, monkeypatch)
    world.look()
    assert world.kube.status["observedGeneration"] == seen
    assert world.reconciler.states[KEY].schedule.failures == 1


def test_a_pod_that_fails_beside_others_is_told_by_an_event_and_one_that_waits_for_a_node_is_not() -> None:
    world = healthy()
    labels = next(b for (kind, _), b in world.kube.objects.items() if kind == "Deployment")["metadata"]["labels"]
    tier, lane = labels[LABEL_TIER], labels[LABEL_LANE]
    unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "Insufficient cpu"}
    world.kube.objects["Pod", "pod-2"] = {
        "metadata": worker_metadata("pod-2", tier, lane),
        "status": {"conditions": [unscheduled]},
    }
    world.look()
    assert world.condition("WorkersAvailable")[:2] == ("True", "SomePodsWait")
    assert world.kube.events == []
    waiting = {"image": "worker:9", "state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}}
    world.kube.objects["Pod", "pod-2"]["status"] = {"containerStatuses": [waiting]}
    world.look()
    assert world.condition() == ("True", "AsWanted", "Orders flow")
    (event,) = world.kube.events
    assert event.startswith("Warning SomePodsFail: 1 of 1 pods ready; pod pod-2: image worker:9: not found")


def test_a_lane_that_is_woken_stays_ready_for_a_minute() -> None:
    world = fleet(tiers=[{"name": "standard", "scaling": {"minReplicas": 0, "maxReplicas": 3}}])
    world.tick(times=200)
    world.settle()
    assert world.condition("WorkersAvailable")[:2] == ("True", "ScaledToZero")
    world.broker.held = {f"{DOOR}.standard.stable": 10}
    world.tick()
    for body in world.live().values():
        body["status"] = {"replicas": body["spec"]["replicas"], "updatedReplicas": body["spec"]["replicas"]}
    world.look()
    assert world.condition() == ("True", "AsWanted", "Orders flow")
    assert world.condition("WorkersAvailable")[:2] == ("True", "Waking")
    world.at += 60.0
    world.look()
    assert world.condition()[:2] == ("False", "Starting")
