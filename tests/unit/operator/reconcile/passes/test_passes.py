"""What a pass does, in which order, and what it does not do; both ports in memory."""

from __future__ import annotations

from typing import Any

import pytest

from merchantroute_operator.errors import BrokerRefusedCredentials, KubeInvalid
from merchantroute_operator.kube.kube_port import SecretData
from merchantroute_operator.naming import ANNOTATION_BROKER, FINALIZER
from merchantroute_operator.reconcile.passes.active import REQUEUE_SOON
from tests.unit.operator.fake_ports import BROKER
from tests.unit.operator.operator_under_test import DOOR, PROOF, STILL, World, first, last
from tests.unit.operator.pod_samples import a_job_pod, a_loose_pod
from tests.unit.operator.route_samples import raw_route


def test_the_finalizer_comes_before_anything_that_would_have_to_be_cleaned_up() -> None:
    world = World(raw_route())
    world.kube.stored = raw_route()
    world.look()
    assert world.log[0] == f"finalizers {[FINALIZER]}"
    assert not [line for line in world.log if line.startswith(("declare", "apply", "create"))]


def test_queues_then_configuration_then_pods_then_merchants_then_the_front_door() -> None:
    world = World(raw_route(merchants={"hut": "enterprise"}))
    world.look()
    order = [
        last(world.log, f"declare {DOOR}."),
        first(world.log, "apply Secret"),
        last(world.log, "apply ConfigMap"),
        first(world.log, "create Deployment"),
        first(world.log, f"bind {DOOR}.assigned hut"),
        world.log.index(f"declare {DOOR}"),
    ]
    assert order == sorted(order)


def test_a_pass_over_a_route_that_is_as_wanted_writes_nothing() -> None:
    world = World(raw_route(merchants={"hut": "enterprise"}))
    world.look()
    world.look()
    world.look()
    assert world.log == []


def test_no_pod_is_started_while_the_broker_refuses_and_the_message_keeps_the_password() -> None:
    world = World(raw_route())
    world.broker.failing = BrokerRefusedCredentials("the broker refused user u: correct Secret rabbitmq")
    assert world.look() is not None
    assert world.condition()[:2] == ("False", "BrokerCredentialsRefused")
    assert world.condition("QueuesReady")[0] == "False"
    assert not world.kube.objects
    assert [event for event in world.kube.events if event.startswith("Warning BrokerCredentialsRefused")]
    assert "p4ss" not in str((world.kube.status, world.kube.events))
    world.broker.failing = None
    world.look()
    assert world.condition("QueuesReady")[0] == "True"


def test_a_new_merchant_is_bound_once_every_ready_pod_knows_it() -> None:
    world = World(raw_route(merchants={"hut": "enterprise"}))
    world.look()
    world.start_pods()
    world.pulse("pod-1", 1)
    world.change(merchants={"hut": "standard", "new": "standard"})
    assert world.look() == 1.0
    assert world.bound() == {"hut": f"{DOOR}.enterprise"}
    assert world.condition()[1] == "BindingMerchants"
    world.pulse("pod-1", 2)
    world.look()
    assert world.bound() == {"hut": f"{DOOR}.standard", "new": f"{DOOR}.standard"}


def test_a_pod_with_a_command_of_its_own_holds_up_no_merchant() -> None:
    """It may never say what it has loaded."""
    world = World(raw_route(tiers=["enterprise", {"name": "standard", "command": ["celery"]}]))
    world.look()
    world.start_pods()
    world.change(tiers=["enterprise", {"name": "standard", "command": ["celery"]}], merchants={"hut": "standard"})
    world.look()
    assert world.bound() == {"hut": f"{DOOR}.standard"}


@pytest.mark.parametrize("stranger", [a_job_pod("stranger"), a_loose_pod("stranger")], ids=["a Job's", "a person's"])
def test_a_pod_that_the_route_did_not_make_holds_up_no_merchant(stranger: dict[str, Any]) -> None:
    """It has the route's labels, and will never say what it has loaded."""
    world = World(raw_route(merchants={"hut": "enterprise"}))
    world.look()
    world.start_pods()
    world.kube.objects["Pod", "stranger"] = stranger
    world.pulse("pod-1", 2)
    world.change(merchants={"hut": "standard"})
    world.look()
    assert world.bound() == {"hut": f"{DOOR}.standard"}
    assert "annotate stranger" not in world.log


@pytest.mark.parametrize("name", ["rabbitmq", "for-pods"])
def test_a_rotated_secret_that_pods_mount_is_brought_to_them_at_once(name: str) -> None:
    """Left alone a kubelet syncs a volume after 70 to 90 s."""
    workers = {} if name == "rabbitmq" else {"workerSecretRef": {"name": name}}
    world = World(raw_route(broker={"secretRef": {"name": "rabbitmq"}, **workers}))
    world.kube.secrets[name] = SecretData(name, {}, BROKER, "1")
    world.look()
    world.start_pods()
    world.pulse("pod-1", 1)
    world.look()
    world.look()
    assert "annotate pod-1" not in world.log
    world.kube.secrets[name] = SecretData(name, {}, {**BROKER, "password": b"rotated"}, "2")
    world.look()
    assert "annotate pod-1" in world.log
    assert world.kube.objects["Pod", "pod-1"]["metadata"]["annotations"][ANNOTATION_BROKER] == "2"


def test_a_change_of_the_operators_own_secret_touches_no_pod_that_mounts_another() -> None:
    world = World(raw_route(broker={"secretRef": {"name": "rabbitmq"}, "workerSecretRef": {"name": "for-pods"}}))
    world.kube.secrets["for-pods"] = SecretData("for-pods", {}, BROKER, "1")
    world.look()
    world.start_pods()
    world.pulse("pod-1", 1)
    world.look()
    world.kube.secrets["rabbitmq"] = SecretData("rabbitmq", {}, BROKER, "7")
    world.look()
    assert "annotate pod-1" not in world.log


@pytest.mark.parametrize(
    ("data", "reason", "said"),
    [(None, "SecretMissing", "workerSecretRef"), ({"host": b"rabbit"}, "SecretInvalid", "lacks port")],
)
def test_a_secret_that_pods_cannot_use_is_told(data: dict[str, bytes] | None, reason: str, said: str) -> None:
    """Everything else of the route is done all the same."""
    world = World(raw_route(broker={"secretRef": {"name": "rabbitmq"}, "workerSecretRef": {"name": "for-pods"}}))
    if data is not None:
        world.kube.secrets["for-pods"] = SecretData("for-pods", {}, data, "1")
    world.look()
    assert world.condition()[:2] == ("False", reason)
    assert said in world.condition()[2]
    assert DOOR in world.broker.topology.exchanges


def test_a_pod_that_never_learns_is_named_and_no_longer_waited_for() -> None:
    world = World(raw_route(merchants={"hut": "enterprise"}))
    world.look()
    world.start_pods()
    world.change(merchants={"hut": "standard"})
    world.look()
    world.at += 61
    world.look()
    assert world.bound() == {"hut": f"{DOOR}.standard"}
    assert world.condition() == ("False", "PodsLag", "Without the newest configuration: pod-1")


def test_retain_closes_the_door_and_leaves_the_queues() -> None:
    world = World(raw_route())
    world.look()
    world.delete(policy="Retain")
    world.look()
    assert world.log[0] == f"delete {DOOR}"
    assert f"{DOOR}.standard.stable" in world.broker.topology.queues
    assert not world.kube.objects
    assert world.kube.stored["metadata"]["finalizers"] == []  # type: ignore[index]


def test_force_takes_the_orders_with_it_and_says_how_many() -> None:
    world = World(raw_route())
    world.look()
    world.broker.held = {f"{DOOR}.standard.stable": 7, f"{DOOR}.dead": 2}
    world.delete(policy="Force")
    world.broker.held = {}
    assert world.look() is not None  # the figures may be older than the last order
    assert not [kind for kind, _ in world.kube.objects if kind == "Deployment"]
    world.broker.held = {f"{DOOR}.standard.stable": 7, f"{DOOR}.dead": 2}
    world.at += STILL
    world.look()
    assert not world.broker.topology.queues
    assert not world.broker.topology.exchanges
    assert any("9 orders" in event for event in world.kube.events)


def test_drain_keeps_the_workers_until_lanes_and_rungs_have_stayed_empty() -> None:
    world = World(raw_route())
    world.look()
    world.delete(policy="Drain")
    world.broker.held = {f"{DOOR}.standard.retry.1000": 1, f"{DOOR}.dead": 2}
    world.look()
    assert DOOR not in world.broker.topology.exchanges
    assert [kind for kind, _ in world.kube.objects if kind == "Deployment"]
    assert "1 orders" in world.condition("Progressing")[2]
    world.broker.held = {f"{DOOR}.dead": 2}
    for _ in range(PROOF - 1):
        world.look()
        assert world.kube.stored["metadata"]["finalizers"] == [FINALIZER]  # type: ignore[index]
        assert [kind for kind, _ in world.kube.objects if kind == "Deployment"]
        world.at += STILL
    world.look()
    assert world.kube.stored["metadata"]["finalizers"] == []  # type: ignore[index]
    assert set(world.broker.topology.queues) == {f"{DOOR}.dead"}


def test_a_route_whose_broker_is_gone_for_good_can_still_go() -> None:
    world = World(raw_route())
    world.look()
    world.broker.failing = BrokerRefusedCredentials("gone")
    world.delete(policy="Drain", timeout="15m")
    world.look()
    assert world.kube.stored["metadata"]["finalizers"] == [FINALIZER]  # type: ignore[index]
    world.at += 100 + 901
    world.look()
    assert world.kube.stored["metadata"]["finalizers"] == []  # type: ignore[index]
    assert any("BrokerGivenUp" in event for event in world.kube.events)


def test_a_route_that_goes_with_its_secret_still_closes_its_door() -> None:
    world = World(raw_route())
    world.look()
    world.kube.secrets.clear()
    world.kube.terminating = True
    world.delete(policy="Drain")
    world.look()
    assert DOOR not in world.broker.topology.exchanges
    assert world.kube.stored["metadata"]["finalizers"] == []  # type: ignore[index]


def test_what_a_lane_without_pods_still_holds_is_moved_when_its_tier_is_gone() -> None:
    world = World(raw_route(tiers=("enterprise", "standard")))
    world.look()
    for (kind, _), body in world.kube.objects.items():
        if kind == "Deployment":
            body["spec"]["replicas"] = 0
    world.broker.held = {f"{DOOR}.enterprise.stable": 3}
    world.change(tiers=("standard",))
    world.look()
    assert f"move {DOOR}.enterprise.stable to {DOOR}.router" in world.log
    for _ in range(2 * PROOF + 1):  # emptied, proven, gone; then the same for its rungs, which nothing feeds any more
        world.at += STILL
        world.look()
    assert not [name for name in world.broker.topology.queues if ".enterprise" in name]
    tiers = [
        b["metadata"]["labels"]["merchantroute.dev/tier"]
        for (k, _), b in world.kube.objects.items()
        if k == "Deployment"
    ]
    assert tiers == ["standard", "suspect"]


def test_a_deployment_that_the_api_server_would_refuse_changes_nothing() -> None:
    """Neither queues nor configuration, nor what there is already."""
    world = World(raw_route())
    world.kube.refusing = KubeInvalid("Deployment pos: spec.template.spec.affinity: Invalid value")
    world.look()
    assert world.condition()[:2] == ("False", "ObjectInvalid")
    assert not [line for line in world.log if line.startswith(("declare", "bind", "apply", "create"))]
    assert not world.kube.objects

    world.kube.refusing = None
    world.look()
    world.look()
    world.kube.refusing = KubeInvalid("nobody asks about what is as wanted already")
    world.look()
    assert world.condition("QueuesReady")[:2] == ("True", "AsWanted")


def test_the_pods_of_a_tier_that_is_gone_go_before_its_queue_and_the_queue_only_without_consumers() -> None:
    world = World(raw_route(tiers=("enterprise", "standard")))
    world.look()
    lane = f"{DOOR}.enterprise.stable"
    world.broker.consumers = {lane: 3}
    world.change(tiers=("standard",))
    for _ in range(PROOF):
        world.look()
        world.at += STILL
    assert "enterprise" not in {b["metadata"]["labels"]["merchantroute.dev/tier"] for b in deployments(world)}
    assert lane in world.broker.topology.queues
    world.broker.consumers, world.broker.late = {}, {lane: 1}  # what a pod that ended gave back
    world.look()
    assert lane in world.broker.topology.queues
    assert f"move {lane} to {DOOR}.router" in world.log
    world.broker.late = {}
    for _ in range(PROOF):
        world.look()
        world.at += STILL
    assert lane not in world.broker.topology.queues


def test_a_large_move_goes_on_from_pass_to_pass_and_says_how_far_it_is() -> None:
    world = World(raw_route(tiers=("enterprise", "standard")))
    world.look()
    for body in deployments(world):
        body["spec"]["replicas"] = 0
    world.broker.held, world.broker.slice = {f"{DOOR}.enterprise.stable": 250_000}, 100_000
    world.change(tiers=("standard",))
    said = []
    for _ in range(3):
        assert world.look() == REQUEUE_SOON
        said.append(world.condition("Progressing")[2].rpartition("; ")[2])
    assert said == [
        f"100000 orders of {DOOR}.enterprise.stable moved, 150000 left",
        f"200000 orders of {DOOR}.enterprise.stable moved, 50000 left",
        f"250000 orders of {DOOR}.enterprise.stable moved, 0 left",
    ]


def deployments(world: World) -> list[dict[str, Any]]:
    return [body for (kind, _), body in world.kube.objects.items() if kind == "Deployment"]
