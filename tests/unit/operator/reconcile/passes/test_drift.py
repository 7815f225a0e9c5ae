"""What others do to a route's objects: put back and told in an event, or kept and told in Drifted."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from merchantroute_operator.kube.kube_port import Autoscaler
from merchantroute_operator.naming import deployment
from merchantroute_operator.resources.foreign_fields import foreign_fields
from merchantroute_operator.topology.objects import OWNER as OWNER_ARGUMENT
from merchantroute_operator.topology.objects import Binding, Exchange
from tests.unit.operator.operator_under_test import DOOR, World
from tests.unit.operator.order_routing import NOTHING
from tests.unit.operator.pod_samples import a_pod
from tests.unit.operator.reconcile.passes.test_suspect_lane import Fleet
from tests.unit.operator.route_samples import OWNER, raw_route

NAME = deployment("pos", "standard", "stable")


def settled(world: World | None = None) -> World:
    """A route that stands, with one merchant."""
    world = world or World(raw_route(merchants={"hut": "enterprise"}))
    world.look()
    world.look()
    world.kube.events.clear()
    world.kube.objects = deepcopy(world.kube.objects)  # the API server keeps its own
    return world


def repairs(world: World) -> str:
    """What the last pass said that it had repaired."""
    world.kube.events.clear()
    world.look()
    told = [event for event in world.kube.events if event.startswith("Warning Repaired: ")]
    assert len(told) <= 1
    return told[0].removeprefix("Warning Repaired: ") if told else ""


def without(world: World, **lost: set[Any]) -> None:
    """The broker loses these ``queues``, ``exchanges`` and ``bindings``, and what is bound to them."""
    have = world.broker.topology
    gone = lost.get("queues", set()) | lost.get("exchanges", set())
    bindings = {b for b in have.bindings if b.source not in gone and b.target not in gone}
    world.broker.topology = replace(
        have,
        queues={name: q for name, q in have.queues.items() if name not in lost.get("queues", set())},
        exchanges={name: e for name, e in have.exchanges.items() if name not in lost.get("exchanges", set())},
        bindings=frozenset(bindings - lost.get("bindings", set())),
    )


def test_nothing_is_told_of_what_the_spec_asked_for() -> None:
    world = World(raw_route())
    assert repairs(world) == ""
    world.change(merchants={"hut": "enterprise"}, tiers=("enterprise", "standard", "express"))
    assert repairs(world) == ""
    world.change(tiers=("standard",))
    assert repairs(world) == ""


def test_the_configurations_sign_of_life_is_no_repair() -> None:
    world = settled()
    world.at += 400
    assert repairs(world) == ""
    assert "apply ConfigMap" in world.log


@pytest.mark.parametrize(
    ("kind", "name"), [("Deployment", NAME), ("ConfigMap", "pos-mr-config"), ("Secret", "pos-mr-credentials")]
)
def test_a_child_that_was_deleted_is_made_again(kind: str, name: str) -> None:
    world = settled()
    before = deepcopy(world.kube.objects[kind, name])
    del world.kube.objects[kind, name]
    assert repairs(world) == f"{kind} {name} was deleted: made again"
    assert world.kube.objects[kind, name]["metadata"] == before["metadata"]
    assert repairs(world) == ""


def test_a_child_that_was_changed_is_put_back() -> None:
    world = settled()
    world.kube.objects["ConfigMap", "pos-mr-config"]["data"] = {"merchants-all.json": "{}"}
    world.kube.objects["Deployment", NAME]["spec"]["template"]["spec"]["containers"][0]["image"] = "other:1"
    told = repairs(world)
    assert "ConfigMap pos-mr-config was changed: put back" in told
    assert f"Deployment {NAME} was changed: put back" in told
    assert repairs(world) == ""


def test_a_number_of_pods_is_no_repair_of_the_pass() -> None:
    world = settled()
    world.kube.objects["Deployment", NAME]["spec"]["replicas"] = 7
    assert repairs(world) == ""
    assert [line for line in world.log if line != "status"] == []


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        ({"queues": {f"{DOOR}.standard.stable"}}, f"queue {DOOR}.standard.stable was deleted: made again"),
        ({"queues": {f"{DOOR}.standard.retry.1000"}}, f"queue {DOOR}.standard.retry.1000 was deleted: made again"),
        ({"queues": {f"{DOOR}.dead"}}, f"queue {DOOR}.dead was deleted: made again"),
        ({"exchanges": {f"{DOOR}.router"}}, f"exchange {DOOR}.router was deleted: made again"),
        ({"exchanges": {DOOR}}, f"exchange {DOOR} was deleted: made again"),
        (
            {"bindings": {Binding(f"{DOOR}.assigned", f"{DOOR}.enterprise", "exchange", key="hut")}},
            f"binding {DOOR}.assigned to {DOOR}.enterprise for hut was removed: made again",
        ),
        (
            {"bindings": {Binding(f"{DOOR}.standard.stable", f"{DOOR}.standard.stable", "queue")}},
            f"binding {DOOR}.standard.stable to {DOOR}.standard.stable was removed: made again",
        ),
    ],
)
def test_what_the_broker_lost_is_made_again_in_one_pass(lost: dict[str, set[Any]], words: str) -> None:
    world = settled()
    whole = world.broker.topology
    without(world, **lost)
    assert words in repairs(world)
    assert world.broker.topology == whole
    assert repairs(world) == ""


def test_a_broker_that_was_restored_empty_gets_all_of_it_back_in_one_pass_and_one_sentence() -> None:
    world = settled()
    whole = world.broker.topology
    world.broker.topology = NOTHING
    assert repairs(world) == "the broker had lost everything of the route: made again"
    assert world.broker.topology == whole


@pytest.mark.parametrize(
    ("name", "kind", "arguments"),
    [
        (f"{DOOR}.router", "topic", {"alternate-exchange": f"{DOOR}.assigned"}),
        (f"{DOOR}.standard", "fanout", {}),
        (DOOR, "fanout", {}),
    ],
)
def test_an_exchange_that_was_made_anew_otherwise_is_mended_behind_a_closed_door(
    name: str, kind: str, arguments: dict[str, str | int]
) -> None:
    world = settled()
    whole = world.broker.topology
    without(world, exchanges={name})
    found = Exchange(name, kind, {OWNER_ARGUMENT: OWNER, **arguments})
    world.broker.topology = replace(world.broker.topology, exchanges={**world.broker.topology.exchanges, name: found})
    assert f"exchange {name} was altered: made again" in repairs(world)
    assert world.log[0] == f"delete {DOOR}"
    assert world.log[-1] == f"bind {DOOR}"
    assert world.broker.topology == whole
    assert repairs(world) == ""


def test_an_exchange_with_another_owner_is_left_alone() -> None:
    world = settled()
    found = Exchange(f"{DOOR}.router", "topic", {})
    world.broker.topology = replace(
        world.broker.topology, exchanges={**world.broker.topology.exchanges, found.name: found}
    )
    assert repairs(world) == ""
    assert world.broker.topology.exchanges[found.name] == found
    assert world.condition("Conflicted")[:2] == ("True", "ForeignObjects")


def test_a_merchants_order_is_not_copied_by_a_binding_that_somebody_added() -> None:
    world = settled()
    extra = Binding(f"{DOOR}.assigned", f"{DOOR}.standard", "exchange", key="hut")
    world.broker.topology = replace(world.broker.topology, bindings=world.broker.topology.bindings | {extra})
    assert "was added: removed" in repairs(world)
    assert extra not in world.broker.topology.bindings


def test_a_queue_with_other_arguments_is_left_alone_and_the_condition_says_how_to_go_on() -> None:
    world = settled()
    name = f"{DOOR}.standard.stable"
    queue = world.broker.topology.queues[name]
    other = replace(queue, arguments={**queue.arguments, "x-delivery-limit": 3})
    world.broker.topology = replace(world.broker.topology, queues={**world.broker.topology.queues, name: other})
    assert repairs(world) == ""
    assert world.broker.topology.queues[name] == other
    status, reason, message = world.condition("Conflicted")
    assert (status, reason) == ("True", "ForeignObjects")
    assert "x-delivery-limit is 3, not 50" in message
    assert "rename its tier, or move its orders away and delete it" in message


def entry(manager: str, fields: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "fieldsV1": fields, **more}


def template(inner: dict[str, Any]) -> dict[str, Any]:
    return {"f:spec": {"f:template": inner}}


DEBUG: dict[str, Any] = {
    "f:spec": {"f:containers": {'k:{"name":"worker"}': {"f:env": {'k:{"name":"DEBUG"}': {".": {}, "f:value": {}}}}}}
}
SIDECAR: dict[str, Any] = {"f:spec": {"f:containers": {'k:{"name":"proxy"}': {".": {}, "f:image": {}, "f:name": {}}}}}
RESTART: dict[str, Any] = {"f:metadata": {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/restartedAt": {}}}}


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (
            [entry("kubectl-edit", template(DEBUG))],
            ("spec.template.spec.containers[worker].env[DEBUG] by kubectl-edit",),
        ),
        ([entry("injector", template(SIDECAR))], ("spec.template.spec.containers[proxy] by injector",)),
        ([entry("kubectl-rollout", template(RESTART))], ()),
        ([entry("kubectl", {"f:spec": {"f:replicas": {}}}, subresource="scale")], ()),
        ([entry("kube-controller-manager", {"f:status": {"f:replicas": {}}}, subresource="status")], ()),
        ([entry("merchantroute", template(DEBUG)), entry("kubectl-edit", template(DEBUG))], ()),
        ([entry("merchantroute-scaler", {"f:spec": {"f:replicas": {}}})], ()),
        ([entry("helm", {"f:data": {"f:extra.json": {}}})], ("data[extra.json] by helm",)),
    ],
)
def test_a_field_that_somebody_else_set_is_named_with_its_author(
    entries: list[dict[str, Any]], words: tuple[str, ...]
) -> None:
    assert foreign_fields({"metadata": {"managedFields": entries}}) == words


def test_a_foreign_field_is_kept_and_told_and_a_restart_is_neither_drift_nor_undone() -> None:
    world = settled()
    live = world.kube.objects["Deployment", NAME]
    live["metadata"]["managedFields"] = [entry("kubectl-edit", template(DEBUG)), entry("kubectl", template(RESTART))]
    container = live["spec"]["template"]["spec"]["containers"][0]
    container["env"].append({"name": "DEBUG", "value": "1"})
    live["spec"]["template"]["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": "2027-01-15T08:00:00Z"}
    assert repairs(world) == ""
    assert world.log == ["status"]
    status, reason, message = world.condition("Drifted")
    assert (status, reason) == ("True", "ForeignFields")
    assert f"Deployment {NAME}: spec.template.spec.containers[worker].env[DEBUG] by kubectl-edit" in message
    assert "restartedAt" not in message
    assert [event for event in world.kube.events if event.startswith("Warning ForeignFields: ")]


@pytest.mark.parametrize("kind", ["HorizontalPodAutoscaler", "ScaledObject"])
def test_a_lane_with_somebody_elses_autoscaler_is_left_to_it_until_it_is_gone(kind: str) -> None:
    fleet = Fleet(raw_route())
    fleet.kube.scalers = [Autoscaler(kind, "theirs", NAME), Autoscaler(kind, "another", "web")]
    fleet.settle()
    fleet.kube.objects["Pod", "pod-1"] = a_pod("pod-1")
    fleet.broker.held = {f"{DOOR}.standard.stable": 100_000}
    fleet.log.clear()
    fleet.tick(times=3)
    fleet.reconciler.states["orders", "pos"].schedule.full = False
    asyncio.run(fleet.reconciler.reconcile(("orders", "pos")))
    assert not [line for line in fleet.log if line.startswith(f"scale {NAME}")]
    assert fleet.condition("Drifted")[:2] == ("True", "ForeignScaler")
    assert f"{kind} theirs scales Deployment {NAME}" in fleet.condition("Drifted")[2]
    assert "another" not in fleet.condition("Drifted")[2]
    assert fleet.condition("ScalingActive")[:2] == ("False", "ForeignScaler")
    fleet.kube.scalers = []
    fleet.settle()
    fleet.tick()
    assert [line for line in fleet.log if line.startswith(f"scale {NAME}")]


def with_a_toleration(body: dict[str, Any]) -> dict[str, Any]:
    """What a mutating webhook of the cluster does to each Deployment: a list that is compared whole is another."""
    if body["kind"] == "Deployment":
        body["spec"]["template"]["spec"]["tolerations"] = [{"key": "spot", "operator": "Exists"}]
    return body


def test_what_the_clusters_admission_makes_of_an_object_is_no_drift_and_not_applied_again() -> None:
    world = World(raw_route(worker={"image": "w:1", "tolerations": [{"key": "ours", "operator": "Exists"}]}))
    world.kube.mutate = with_a_toleration
    world.look()
    assert repairs(world) == ""
    for _ in range(3):
        assert repairs(world) == ""
        assert "apply Deployment" not in world.log


def test_a_change_of_the_spec_is_applied_and_no_repair_beside_such_a_webhook() -> None:
    world = World(raw_route(worker={"image": "w:1", "tolerations": [{"key": "ours", "operator": "Exists"}]}))
    world.kube.mutate = with_a_toleration
    world.look()
    world.look()
    world.change(worker={"image": "w:2", "tolerations": [{"key": "ours", "operator": "Exists"}]})
    assert repairs(world) == ""
    assert "apply Deployment" in world.log


def test_what_somebody_changes_beside_such_a_webhook_is_put_back() -> None:
    world = World(raw_route(worker={"image": "w:1", "tolerations": [{"key": "ours", "operator": "Exists"}]}))
    world.kube.mutate = with_a_toleration
    world.look()
    world.look()
    world.kube.objects = deepcopy(world.kube.objects)
    world.kube.objects["Deployment", NAME]["spec"]["template"]["spec"]["containers"][0]["image"] = "other:1"
    assert repairs(world) == f"Deployment {NAME} was changed: put back"


def test_a_paused_route_is_as_the_spec_says_beside_such_a_webhook() -> None:
    world = World(raw_route(worker={"image": "w:1", "tolerations": [{"key": "ours", "operator": "Exists"}]}))
    world.kube.mutate = with_a_toleration
    world.look()
    world.look()
    world.change(worker={"image": "w:1", "tolerations": [{"key": "ours", "operator": "Exists"}]}, paused=True)
    world.look()
    assert world.condition("Drifted")[:2] == ("False", "NoDrift")
