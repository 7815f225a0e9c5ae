"""A paused route: nothing is written but its status, what differs is told, and it can still be deleted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from merchantroute_operator.naming import FINALIZER
from merchantroute_operator.spec.sections.pause import parse_pause
from tests.unit.operator.operator_under_test import DOOR, KEY, NOW, World
from tests.unit.operator.reconcile.passes.test_suspect_lane import Fleet
from tests.unit.operator.route_samples import raw_route

UNTIL = "merchantroute.dev/paused-until"
SOON = "2027-01-15T08:05:00Z"  # NOW + 300 s


def annotate(world: World, value: str) -> None:
    assert world.kube.stored is not None
    world.kube.stored["metadata"]["annotations"] = {UNTIL: value}


def writes(world: World) -> list[str]:
    return [line for line in world.log if line != "status"]


def paused(**spec: Any) -> World:
    """A route that was made, then paused with a new spec."""
    world = World(raw_route(merchants={"hut": "enterprise"}))
    world.look()
    world.change(paused=True, **spec)
    return world


def test_a_new_spec_changes_nothing_and_is_told() -> None:
    world = paused(tiers=("enterprise", "standard", "express"), merchants={"hut": "standard"})
    world.look()
    assert writes(world) == []
    assert world.condition("Paused")[:2] == ("True", "RoutePaused")
    status, reason, message = world.condition("Drifted")
    assert (status, reason) == ("True", "NotRepaired")
    assert f"exchange {DOOR}.express is missing" in message
    assert world.condition("Progressing")[:2] == ("False", "Held")


def test_what_somebody_deletes_stays_deleted_and_is_told() -> None:
    world = paused(merchants={"hut": "enterprise"})
    name = next(name for kind, name in world.kube.objects if kind == "Deployment")
    del world.kube.objects["Deployment", name]
    world.look()
    assert writes(world) == []
    assert f"Deployment {name} is missing" in world.condition("Drifted")[2]


def test_a_paused_route_that_is_as_wanted_has_no_drift_and_is_ready() -> None:
    world = paused(merchants={"hut": "enterprise"})
    world.start_pods()
    world.pulse("pod-1", 1)
    world.look()
    world.at += 3600  # the configuration's sign of life would be renewed by now
    world.pulse("pod-1", 1)
    world.look()
    assert writes(world) == []
    assert world.condition("Drifted")[:2] == ("False", "NoDrift")
    assert world.condition() == ("True", "AsWanted", "Orders flow")


def test_the_configurations_generation_does_not_rise_while_nothing_is_written() -> None:
    world = paused(merchants={"hut": "standard"})
    for _ in range(3):
        world.look()
    assert world.kube.status["configGeneration"] == 1
    world.change(merchants={"hut": "standard"})
    world.look()
    assert world.kube.status["configGeneration"] == 2


def test_a_route_that_is_paused_from_its_birth_is_not_made() -> None:
    world = World(raw_route(paused=True))
    world.kube.stored = raw_route(paused=True)
    world.look()
    assert writes(world) == []
    assert world.condition()[:2] == ("False", "QueuesMissing")
    assert "paused" in world.condition()[2]


def test_an_annotation_pauses_until_its_time_and_then_all_is_done() -> None:
    world = World(raw_route())
    world.look()
    world.change(tiers=("standard",))
    annotate(world, SOON)
    after = world.look()
    assert writes(world) == []
    assert world.condition("Paused") == (
        "True",
        "PausedUntil",
        f"Until {SOON} nothing is changed in the broker or in Kubernetes, and no lane is scaled",
    )
    assert after == 60.0
    world.at = 290.0
    assert world.look() == pytest.approx(10.0)
    world.at = 301.0
    world.look()
    assert writes(world)
    assert world.condition("Paused")[:2] == ("False", "NotPaused")


@pytest.mark.parametrize("value", ["tomorrow", "", "2027-01-31", "2027-01-31T18:00:00", "x" * 5000])
def test_an_annotation_that_is_no_time_pauses_nothing_and_is_said(value: str) -> None:
    world = World(raw_route())
    annotate(world, value)
    world.look()
    assert DOOR in world.broker.topology.exchanges
    status, reason, message = world.condition("Paused")
    assert (status, reason) == ("False", "PauseInvalid")
    assert "write one like 2027-01-31T18:00:00Z" in message
    assert len(message) < 300


def test_any_time_zone_is_understood() -> None:
    raw = raw_route()
    raw["metadata"]["annotations"] = {UNTIL: "2027-01-15T09:05:00+01:00"}
    assert parse_pause(raw).until == NOW + 300


def test_a_paused_route_can_be_deleted() -> None:
    world = paused()
    assert world.kube.stored is not None
    world.look()
    world.delete(policy="Retain")
    world.look()
    assert FINALIZER not in world.kube.stored["metadata"]["finalizers"]
    assert DOOR not in world.broker.topology.exchanges


def test_no_lane_is_scaled_while_the_route_is_paused_and_all_are_afterwards() -> None:
    fleet = Fleet(raw_route())
    fleet.settle()
    fleet.change(paused=True)
    fleet.settle()
    fleet.broker.held = {f"{DOOR}.standard.stable": 100_000, f"{DOOR}.suspect": 1}
    fleet.log.clear()
    for _ in range(5):
        fleet.tick()
    assert not [line for line in fleet.log if line.startswith("scale")]
    asyncio.run(fleet.reconciler.reconcile(KEY))
    assert fleet.condition("ScalingActive")[:2] == ("False", "ScalingPaused")
    fleet.change(paused=False)
    fleet.settle()
    fleet.tick()
    assert [line for line in fleet.log if line.startswith("scale")]
