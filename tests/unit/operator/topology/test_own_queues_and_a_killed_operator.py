"""The operator is killed before each write while an own queue opens or closes; its successor ends what it began."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from merchantroute_operator.topology.objects import Topology
from tests.unit.operator.operator_under_test import KEY, STILL
from tests.unit.operator.order_routing import arrives
from tests.unit.operator.own_queue_world import MERCHANT, QUEUE, ROUTER, OwnFleet
from tests.unit.operator.route_samples import raw_route
from tests.unit.operator.topology.test_killed_between_calls import Fuse, FusedBroker, FusedKube, Killed

PINNED: dict[str, Any] = {"merchants": {MERCHANT: "standard"}, "isolation": {"pinned": [MERCHANT]}}
MOVED: dict[str, Any] = {"merchants": {MERCHANT: "enterprise"}, "isolation": {"pinned": [MERCHANT]}}
FREE: dict[str, Any] = {"merchants": {MERCHANT: "standard"}, "isolation": {"mode": "Off"}}
AN_END = 14


def drive(world: OwnFleet) -> None:
    """Time passes: pods load what there is, the scaler ticks, passes are made."""
    for _ in range(AN_END):
        world.say()
        world.say(pods=("pod-3",), tier="enterprise")
        world.tick()
        world.look()
        world.at += STILL


@pytest.fixture(scope="module")
def stands() -> dict[str, OwnFleet]:
    """A route with an open own queue, and one without."""
    found = {}
    for name, spec in (("pinned", PINNED), ("free", FREE)):
        world = OwnFleet(raw_route(**spec))
        world.settle()
        drive(world)
        found[name] = world
    assert found["pinned"].leads() == [QUEUE]
    return found


def fused(stands: OwnFleet) -> tuple[OwnFleet, Fuse]:
    """The same route and broker, an operator that is new to them, and a fuse in both of its ports."""
    world, fuse, was = OwnFleet(raw_route(**PINNED), at=stands.at), Fuse(), deepcopy(stands.kube)
    kube = FusedKube(world.log, was.stored, was.objects, status=was.status)
    broker = FusedBroker(world.log, stands.broker.topology)
    world.kube, world.broker, kube.fuse, broker.fuse = kube, broker, fuse, fuse
    begin(world)
    return world, fuse


def begin(world: OwnFleet) -> None:
    """Another operator."""
    world.start()
    world.scaler = world.new_scaler()
    world.settle()


def left(world: OwnFleet) -> tuple[Topology, Any]:
    queues = [{k: each[k] for k in ("merchant", "tier", "stage")} for each in world.kube.status.get("ownQueues", ())]
    return world.broker.topology, [world.own(), queues]


def kills(stands: OwnFleet, change: dict[str, Any]) -> Iterator[OwnFleet]:
    """The world after each kill, driven to its end."""
    writes, was_killed = 0, True
    while was_killed:
        world, fuse = fused(stands)
        world.change(**change)
        fuse.left, was_killed = writes, False
        try:
            drive(world)
        except Killed:
            was_killed = True
        fuse.left = None
        routed = Counter(b.key for b in world.broker.topology.bindings if b.source == ROUTER)
        assert set(routed.values()) <= {1}
        assert len(arrives(world.broker.topology, f"mr.{KEY[0]}.{KEY[1]}", MERCHANT)) == 1
        begin(world)
        drive(world)
        yield world
        writes += 1
    assert writes > 3


@pytest.mark.parametrize(("before", "change"), [("free", PINNED), ("pinned", FREE), ("pinned", MOVED)])
def test_what_stands_in_the_end_is_what_an_undisturbed_operator_leaves(
    before: str, change: dict[str, Any], stands: dict[str, OwnFleet]
) -> None:
    undisturbed, _ = fused(stands[before])
    undisturbed.change(**change)
    drive(undisturbed)
    wanted = left(undisturbed)
    assert wanted != left(stands[before]), "a change changes something"
    for world in kills(stands[before], change):
        assert left(world) == wanted
