"""Whatever a pass fails over is told by the route, tried again later each time, and stands in nobody else's way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client import REGISTRY

from merchantroute_operator.errors import KubeError, KubeInvalid
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.reconcile import reconciler as reconciler_module
from merchantroute_operator.reconcile.passes.status import update_status
from merchantroute_operator.reconcile.state.backoff import LONGEST, SPREAD, retry_delay
from merchantroute_operator.topology.objects import Topology
from tests.unit.operator.merchant_samples import raw_merchant
from tests.unit.operator.operator_under_test import DOOR, KEY, World
from tests.unit.operator.route_samples import raw_route


def ready_world() -> World:
    world = World(raw_route(merchants={"hut": "enterprise"}))
    world.look()
    world.start_pods()
    world.pulse("pod-1", 1)
    world.look()
    return world


def break_observation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def observe(prefix: str, expected: Topology | None = None, at_most: float = 0.0) -> Topology:
        del expected, at_most
        raise ValueError(f"what a Secret holds, p4ss, over {prefix}")

    monkeypatch.setattr(world.broker, "observe", observe)


def test_an_error_that_nothing_foresaw_is_in_the_status_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ready_world()
    break_observation(world, monkeypatch)
    world.change(merchants={"hut": "standard"})
    assert world.look() is not None
    status, reason, message = world.condition()
    assert (status, reason) == ("False", "Error")
    assert "ValueError at reconcile." in message
    assert world.kube.status["observedGeneration"] == world.kube.stored["metadata"]["generation"]  # type: ignore[index]
    assert "p4ss" not in str((world.kube.status, world.kube.events))
    monkeypatch.undo()
    world.look()
    assert world.condition("QueuesReady")[0] == "True"
    assert world.condition()[1] != "Error"


def test_each_failure_in_a_row_is_tried_again_later_and_a_success_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ready_world()
    break_observation(world, monkeypatch)
    failed = REGISTRY.get_sample_value("merchantroute_operator_passes_total", {"result": "failed"}) or 0.0
    delays = [world.look() or 0.0 for _ in range(10)]
    assert REGISTRY.get_sample_value("merchantroute_operator_passes_total", {"result": "failed"}) == failed + 10
    for failures, delay in enumerate(delays, 1):
        expected = min(LONGEST, 2.0 ** (failures - 1))
        assert expected * (1 - SPREAD) <= delay <= expected * (1 + SPREAD)
    assert len(set(delays[6:])) > 1  # spread by chance
    monkeypatch.undo()
    world.look()
    assert world.reconciler.states[KEY].schedule.failures == 0


def test_a_server_that_asks_for_time_is_left_alone_for_as_long_but_not_for_ever() -> None:
    assert retry_delay(1, asked=42.0) == 42.0
    assert retry_delay(1, asked=1e9) == 300.0
    assert retry_delay(9, asked=1.0) >= LONGEST * (1 - SPREAD)
    assert retry_delay(10_000) <= LONGEST * (1 + SPREAD)


def test_a_route_on_its_way_out_is_not_left_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ready_world()
    world.delete(policy="Drain", timeout="15m")
    break_observation(world, monkeypatch)
    assert max(world.look() or 0.0 for _ in range(10)) <= 5.0 * (1 + SPREAD)


def test_a_status_that_cannot_be_made_still_says_that_the_route_is_in_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    world = ready_world()
    written = update_status

    async def update(ctx: Any, state: Any, findings: Any) -> None:
        if findings.route is not None:
            raise KeyError("a lane of another shape")
        await written(ctx, state, findings)

    monkeypatch.setattr(reconciler_module, "update_status", update)
    world.look()
    assert world.condition()[:2] == ("False", "Error")


@pytest.mark.parametrize(
    "endpoint", ["https://[1]/", "https://[::1", "https://hut:99999/", "https://hut:0/", "https:///x", "https://"]
)
def test_a_merchant_whose_endpoint_is_no_address_is_refused_alone(endpoint: str) -> None:
    world = ready_world()
    world.kube.claims["evil"] = raw_merchant("evil", endpoint=endpoint)
    world.kube.claims["good"] = raw_merchant("good", endpoint="https://good.example")
    for claim in world.kube.claims.values():
        world.reconciler.merchant_changed(claim, gone=False)
    world.change(merchants={"hut": "standard"})
    world.look()
    world.pulse("pod-1", 2)
    world.look()
    assert world.bound() == {"hut": f"{DOOR}.standard", "good": f"{DOOR}.standard"}
    while world.reconciler.status_writer.waiting:
        asyncio.run(world.reconciler.status_writer.write_one())
    status = world.kube.claims["evil"]["status"]
    assert status["reason"] == "EndpointInvalid"
    assert status["message"].startswith(f"spec.endpoint: {endpoint} is no address")


def test_a_merchant_that_the_definition_should_not_have_let_through_is_left_out() -> None:
    world = ready_world()
    broken = raw_merchant("broken")
    del broken["spec"]["tier"]
    world.kube.claims["broken"] = broken
    world.reconciler.merchant_changed(broken, gone=False)
    world.start()
    world.look()
    assert world.condition("QueuesReady")[0] == "True"
    assert world.bound() == {"hut": f"{DOOR}.enterprise"}


@pytest.mark.parametrize("kind", ["NetworkPolicy", "PodDisruptionBudget"])
@pytest.mark.parametrize("failure", [KubeInvalid("a label"), KubeError("no answer")])
def test_what_orders_flow_without_stands_before_no_merchant(
    kind: str, failure: KubeError, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(raw_route(merchants={"hut": "enterprise"}))
    apply = world.kube.apply

    async def refuse(body: Object) -> Object:
        if body["kind"] == kind:
            raise failure
        return await apply(body)

    monkeypatch.setattr(world.kube, "apply", refuse)
    world.look()
    assert world.bound() == {"hut": f"{DOOR}.enterprise"}
    assert DOOR in world.broker.topology.exchanges
    assert world.condition("Progressing") == ("False", "Blocked", str(failure))
    world.start_pods()
    world.pulse("pod-1", 1)
    world.change(merchants={"hut": "standard"})
    assert world.look() == 1.0, "a pod has yet to load it: nobody waits for a later try"
    world.pulse("pod-1", 2)
    assert world.look() == world.reconciler._ctx.resync
    assert world.bound() == {"hut": f"{DOOR}.standard"}
