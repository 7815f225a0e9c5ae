"""The operator is killed before each single write of a change, to the broker or to Kubernetes; the next one ends it.

Its successor knows nothing but what the two ports hold. What stands in the end is what an undisturbed operator leaves.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest

from merchantroute_operator.lane_users.broker_user import UserOp
from merchantroute_operator.lane_users.password import matches
from merchantroute_operator.resources.lane_user_secret import lane_password, lane_user, own_lane_secrets
from merchantroute_operator.topology.objects import Plan
from tests.unit.operator.fake_ports import MemoryBroker, MemoryKube
from tests.unit.operator.operator_under_test import World
from tests.unit.operator.route_samples import raw_route

AN_END = 14  # passes that any change has come to its end by; some wait for proof that a queue is empty
BETWEEN = 16.0  # seconds
WRITES = frozenset({"apply", "create_deployment", "delete", "set_finalizers", "write_status", "event"})
COUNTS = frozenset({"generation", "renderedAt", "sha256", "files"})
BEFORE: dict[str, Any] = {
    "tiers": ("enterprise", "standard"),
    "merchants": {"hut": "enterprise", "bar": "standard", "inn": "enterprise"},
    "delays": ("1s", "2m"),
}
PER_LANE = {"secretRef": {"name": "rabbitmq"}, "users": "PerLane"}
CANARY = {"name": "standard", "canary": {"weight": 20, "pool": "gevent", "concurrency": 20}}


class Killed(BaseException):
    """As SIGKILL: nothing catches it."""


@dataclass
class Fuse:
    """Burns through at the next write but ``left``; None never does."""

    left: int | None = None

    def burn(self) -> None:
        if self.left is not None:
            if not self.left:
                raise Killed
            self.left -= 1


class FusedBroker(MemoryBroker):
    """Each operation is a call of its own."""

    fuse = Fuse()

    async def run(self, plan: Plan) -> None:
        for batch in plan:
            for op in batch:
                self.fuse.burn()
                await super().run(((op,),))

    async def run_user_ops(self, ops: Sequence[UserOp]) -> None:
        for op in ops:
            self.fuse.burn()
            await super().run_user_ops((op,))


class FusedKube(MemoryKube):
    """A pass asks for each of WRITES in order to call it."""

    fuse = Fuse()

    def __getattribute__(self, name: str) -> Any:
        if name in WRITES:
            self.fuse.burn()
        return super().__getattribute__(name)


def fused(stands: World) -> tuple[World, Fuse]:
    """The same route and broker once more, an operator that is new to them, and a fuse in both of its ports."""
    world, fuse, was = World(raw_route(**BEFORE), at=stands.at), Fuse(), deepcopy(stands.kube)
    kube = FusedKube(world.log, was.stored, was.objects, status=was.status)
    broker = FusedBroker(world.log, stands.broker.topology, accounts=stands.broker.accounts)
    world.kube, world.broker, kube.fuse, broker.fuse = kube, broker, fuse, fuse
    world.start()
    return world, fuse


def ends(world: World) -> None:
    for _ in range(AN_END):
        world.look()
        world.at += BETWEEN


def ends_as(world: World, wanted: dict[str, Any]) -> bool:
    """Whether it comes to this within as many passes; the first one that finds it there is the last."""
    for _ in range(AN_END):
        world.look()
        if left(world) == wanted:
            return True
        world.at += BETWEEN
    return False


def left(world: World) -> dict[str, Any]:
    """All that stands, but for what tells how often and when the configuration was written."""
    objects = deepcopy(world.kube.objects)
    without_passwords(world, objects)
    for (kind, _), body in objects.items():
        body["metadata"].pop("annotations", None)
        for name, text in body["data"].items() if isinstance(body.get("data"), dict) else ():
            document = json.loads(base64.b64decode(text) if kind == "Secret" else text)
            body["data"][name] = {key: part for key, part in document.items() if key not in COUNTS}
    finalizers = world.kube.stored["metadata"]["finalizers"] if world.kube.stored else []
    rights = {name: (user.tags, user.permissions) for name, user in world.broker.accounts.items()}
    return {"broker": world.broker.topology, "users": rights, "objects": objects, "finalizers": finalizers}


def without_passwords(world: World, objects: dict[Any, Any]) -> None:
    """Each is made at random, and has to be the one that the broker's user has."""
    secrets = {name: body for (kind, name), body in world.kube.objects.items() if kind == "Secret"}
    for name, body in own_lane_secrets("pos", secrets).items():
        password = lane_password(body)
        assert password is not None
        assert matches(password, world.broker.accounts[lane_user(body)].password_hash)
        objects["Secret", name]["data"] = lane_user(body)


def tiers(*names: str | dict[str, Any]) -> Callable[[World], None]:
    some = {"hut": "standard", "bar": "standard", "inn": "standard"}
    return lambda world: world.change(**{**BEFORE, "tiers": names, "merchants": some})


CHANGES: dict[str, Callable[[World], None]] = {
    "merchants moved, added, removed": lambda world: world.change(
        **{**BEFORE, "merchants": {"hut": "standard", "bar": "standard", "new": "enterprise"}}
    ),
    "default tier": lambda world: world.change(**{**BEFORE, "default": "enterprise"}),
    "retry delays": lambda world: world.change(**{**BEFORE, "delays": ("5s", "2m")}),
    "a tier added": tiers("enterprise", "standard", "fresh"),
    "a tier removed": tiers("standard"),
    "a tier replaced": tiers("renamed", "standard"),
    "a canary": tiers("enterprise", CANARY),
    "a user for each lane": lambda world: world.change(**BEFORE, broker=PER_LANE),
    "drained": lambda world: world.delete(policy="Drain", timeout="1h"),
    "retained": lambda world: world.delete(policy="Retain"),
    "removed by force": lambda world: world.delete(policy="Force"),
}


@pytest.fixture(scope="module")
def stands() -> World:
    """A route that stands as BEFORE says."""
    world = World(raw_route(**BEFORE))
    ends(world)
    return world


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_the_operator_was_killed_in_is_completed_by_the_next(name: str, stands: World) -> None:
    undisturbed, _ = fused(stands)
    CHANGES[name](undisturbed)
    ends(undisturbed)
    wanted = left(undisturbed)
    assert wanted != left(stands), "a change changes something"

    writes, was_killed = 0, True
    while was_killed:
        world, fuse = fused(stands)
        CHANGES[name](world)
        fuse.left = writes
        was_killed = is_killed(world)
        fuse.left = None
        world.start()
        assert ends_as(world, wanted) or left(world) == wanted, f"killed before write {writes + 1}"
        writes += 1
    assert writes > 3


def is_killed(world: World) -> bool:
    try:
        ends(world)
    except Killed:
        return True
    return False
