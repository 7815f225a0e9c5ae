"""Own queues, and a broker or somebody who is in their way; a route that is paused, and one that goes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from merchantroute_operator import naming
from merchantroute_operator.errors import BrokerError
from merchantroute_operator.topology.objects import Declare, Plan
from tests.unit.operator.operator_under_test import DOOR, KEY, STILL
from tests.unit.operator.own_queue_world import BOTH, MERCHANT, QUEUE, ROUTER, OwnFleet, opened, own_fleet
from tests.unit.operator.route_samples import OWNER, raw_route
from tests.unit.operator.topology.test_own_queues import own_of


class Full(BrokerError):
    """As a vhost whose limit of queues is reached."""


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> OwnFleet:
    world = own_fleet()
    run = type(world.broker).run

    async def refuse(self: Any, plan: Plan) -> None:
        if any(isinstance(op, Declare) and naming.is_own_queue(op.object.name) for batch in plan for op in batch):
            raise Full("declaring queue: cannot declare queue: queue limit in vhost is reached")
        await run(self, plan)

    monkeypatch.setattr(type(world.broker), "run", refuse)
    return world


def test_a_broker_that_makes_no_more_queues_leaves_the_merchant_in_its_tier(refusing: OwnFleet) -> None:
    refusing.turn(times=3)
    assert refusing.stage() == "Opening"
    assert (refusing.own(), refusing.leads()) == ({}, [])
    assert refusing.condition()[:2] == ("True", "AsWanted")
    status, reason, words = refusing.condition("Isolating")
    assert (status, reason) == ("True", "OwnQueuesRefused")
    assert "queue limit in vhost is reached" in words


def test_a_name_that_somebody_else_has_harms_nobody() -> None:
    world = own_fleet()
    lane = world.broker.topology.queues[f"{DOOR}.standard.stable"]
    taken = replace(lane, name=QUEUE, arguments={**lane.arguments, "x-merchantroute-owner": "other/orders/pos"})
    world.broker.topology = replace(world.broker.topology, queues={**world.broker.topology.queues, QUEUE: taken})
    world.turn(times=3)
    assert (world.own(), world.leads()) == ({}, [])
    assert world.broker.topology.queues[QUEUE] == taken
    assert world.condition()[:2] == ("True", "AsWanted")
    assert "belongs to other/orders/pos" in world.condition("Isolating")[2]


def test_a_policy_that_matches_own_queues_alone_is_told() -> None:
    world = opened()
    world.broker.policies[QUEUE] = "tidy"
    world.turn(times=2)
    status, reason, words = world.condition("Drifted")
    assert (status, reason) == ("True", "ForeignPolicy")
    assert f"Policy tidy matches {QUEUE}:" in words


def test_a_paused_route_opens_nothing_and_keeps_what_is_open() -> None:
    world = opened()
    world.change(**{**BOTH, "merchants": {MERCHANT: "standard", "bar": "standard"}}, paused=True,
                 isolation={"pinned": ["bar"]})  # fmt: skip
    world.turn(times=4)
    assert (world.stage(), world.stage("bar")) == ("Open", None)
    assert world.leads() == [QUEUE]
    assert own_of("bar") not in world.broker.topology.queues


def test_a_route_that_is_drained_leads_past_own_queues_and_moves_what_is_held() -> None:
    world = opened()
    held = replace(world.reconciler.states[KEY].own.queues[MERCHANT], share=0)
    world.reconciler.states[KEY].own.queues[MERCHANT] = held
    world.broker.held[QUEUE] = 5
    world.delete(policy="Drain", timeout="1h")
    world.look()
    assert world.leads() == []
    assert f"move {QUEUE} to {DOOR}.standard.stable" in world.log
    for _ in range(12):
        world.at += STILL
        world.look()
        for pod in [key for key in world.kube.objects if key[0] == "Pod"]:
            del world.kube.objects[pod]
    assert world.broker.topology.queues.keys() <= {f"{DOOR}.dead"}


@pytest.mark.parametrize(("consumers", "moves"), [(0, True), (2, False)])
def test_a_route_that_is_drained_moves_what_no_pod_works_because_its_pods_have_gone(
    consumers: int, moves: bool
) -> None:
    world = opened()
    world.broker.held[QUEUE], world.broker.consumers[QUEUE] = 5, consumers
    world.delete(policy="Drain", timeout="1h")
    world.start()
    world.look()
    assert (f"move {QUEUE} to {DOOR}.standard.stable" in world.log) == moves


def test_a_retained_routes_queue_is_taken_over_by_the_next_of_its_name() -> None:
    world = opened()
    world.delete(policy="Retain")
    for key in [key for key in world.kube.objects if key[0] == "Pod"]:
        del world.kube.objects[key]
    world.look()
    world.look()
    assert world.leads() == [QUEUE]

    world.kube.status = {}
    anew = raw_route(**BOTH, isolation={"pinned": [MERCHANT]})
    anew["metadata"] |= {"uid": "u2", "finalizers": ["merchantroute.dev/finalizer"]}
    world.kube.stored = anew
    world.start()
    world.scaler = world.new_scaler()
    world.settle()
    world.turn(times=4)
    assert (world.stage(), world.leads()) == ("Open", [QUEUE])
    assert world.broker.topology.queues[QUEUE].arguments["x-merchantroute-owner"] == OWNER


def test_own_queues_of_a_route_of_users_per_lane_are_read_by_their_tiers_user_alone() -> None:
    world = opened(broker={"secretRef": {"name": "rabbitmq"}, "users": "PerLane"})
    rights = {name: user.permissions for name, user in world.broker.accounts.items()}
    readers = [name for name, each in rights.items() if each is not None and QUEUE.rsplit(".", 1)[1] in each.read]
    assert [name.split(".")[3:5] for name in readers] == [["standard", "stable"]]


def test_what_somebody_does_to_an_open_queue_is_mended() -> None:
    world = opened()
    world.broker.topology = replace(
        world.broker.topology, bindings=frozenset(b for b in world.broker.topology.bindings if b.source != ROUTER)
    )
    world.look()
    assert world.leads() == [QUEUE]
    queues = {name: queue for name, queue in world.broker.topology.queues.items() if name != QUEUE}
    bindings = frozenset(b for b in world.broker.topology.bindings if b.target != QUEUE)
    world.broker.topology = replace(world.broker.topology, queues=queues, bindings=bindings)
    world.say()
    world.tick()
    assert world.reconciler.states[KEY].schedule.full, "a tick has seen it"
    world.look()
    assert world.leads() == [QUEUE]
