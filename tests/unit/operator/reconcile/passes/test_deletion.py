"""How a route ends when it cannot end well: too slow, without its broker, in a namespace that goes, while paused."""

from __future__ import annotations

from typing import Any

import pytest

from merchantroute_operator.errors import BrokerRefusedCredentials, BrokerUnreachable
from merchantroute_operator.naming import FINALIZER
from tests.unit.operator.operator_under_test import DOOR, NOW, PROOF, STILL, World
from tests.unit.operator.pod_samples import a_job_pod, a_loose_pod
from tests.unit.operator.route_samples import raw_route

HELD = {f"{DOOR}.standard.stable": 4, f"{DOOR}.standard.retry.1000": 3, f"{DOOR}.dead": 2}


def leaving(**deletion: str) -> World:
    """A route that stands, has orders that do not end, and is deleted at once (the clock is at 100 s)."""
    world = World(raw_route())
    world.look()
    world.broker.held = dict(HELD)
    world.delete(**{"policy": "Drain", "timeout": "5m", **deletion})
    world.look()
    return world


def is_gone(world: World) -> bool:
    assert world.kube.stored is not None
    return FINALIZER not in world.kube.stored["metadata"]["finalizers"]


def lanes(world: World) -> set[str]:
    return {name for name in world.broker.topology.queues if name != f"{DOOR}.dead"}


def events(world: World, reason: str) -> list[str]:
    return [event for event in world.kube.events if f" {reason}: " in event]


def test_a_drain_that_takes_too_long_leaves_the_orders_in_their_queues_and_says_how_many() -> None:
    world = leaving(onTimeout="Retain")
    world.at += 299
    world.look()
    assert not is_gone(world)
    assert "7 orders" in world.condition("Progressing")[2]
    world.at += 2
    world.look()
    assert is_gone(world)
    assert set(HELD) <= set(world.broker.topology.queues)
    assert DOOR not in world.broker.topology.exchanges
    assert events(world, "DrainTimedOut") == [
        "Warning DrainTimedOut: after 300 s 7 orders are left: they stay in their queues (onTimeout)"
    ]


def test_a_drain_that_takes_too_long_takes_the_orders_along_where_that_is_asked_for() -> None:
    world = leaving(onTimeout="Force")
    world.at += 301
    world.look()
    assert not is_gone(world)  # the figures may be older than the last order
    world.at += STILL
    world.look()
    assert is_gone(world)
    assert not world.broker.topology.queues
    assert len(events(world, "DrainTimedOut")) == 1
    assert "9 orders" in events(world, "OrdersRemoved")[0]


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_a_clock_that_is_set_anew_during_a_drain_ends_it_neither_sooner_nor_later(step: float) -> None:
    world = leaving(onTimeout="Force")
    world.clock_step = step
    world.at += 299
    world.look()
    assert not is_gone(world)
    assert not events(world, "DrainTimedOut")
    assert set(HELD) <= set(world.broker.topology.queues)
    world.at += 2
    world.look()
    assert len(events(world, "DrainTimedOut")) == 1


@pytest.mark.parametrize(
    ("own", "servers", "over"),
    [
        (3600.0, 100.0, False),  # the operator's clock is ahead
        (0.0, 3600.0, False),  # the API server's is
        (3600.0, None, True),  # the API server does not tell the time
        (3600.0, 3600.0, True),  # an hour has passed
        (-3600.0, 3600.0, False),
    ],
)
def test_an_operator_that_was_started_anew_ends_a_drain_only_where_both_clocks_say_so(
    own: float, servers: float | None, over: bool
) -> None:
    world = leaving(onTimeout="Force")
    world.clock_step = own
    world.kube.server_clock = None if servers is None else NOW + world.at + servers
    world.start()
    world.look()
    assert bool(events(world, "DrainTimedOut")) == over


def test_force_counts_only_when_no_pod_holds_an_order_and_none_changes_its_queue() -> None:
    world = World(raw_route())
    world.look()
    world.start_pods()
    world.delete(policy="Force", timeout="5m")
    world.look()
    assert "1 pods to finish" in world.condition("Progressing")[2]
    assert f"{DOOR}.router" in world.broker.topology.exchanges
    world.at += 60
    del world.kube.objects["Pod", "pod-1"]
    world.look()
    assert not world.broker.topology.exchanges
    assert world.broker.topology.queues
    world.broker.held = dict(HELD)
    world.at += STILL - 2
    world.look()
    assert not events(world, "OrdersRemoved")
    world.at += 2
    world.look()
    assert is_gone(world)
    assert not world.broker.topology.queues
    assert events(world, "OrdersRemoved") == ["Warning OrdersRemoved: Force removed 9 orders with their queues"]


@pytest.mark.parametrize("policy", ["Retain", "Force"])
def test_a_pod_of_a_node_that_is_gone_is_not_waited_for(policy: str) -> None:
    world = World(raw_route())
    world.look()
    world.start_pods()
    world.delete(policy=policy)
    gone = {"deletionTimestamp": "2027-01-15T08:02:40Z", "deletionGracePeriodSeconds": 60}
    world.kube.objects["Pod", "pod-1"]["metadata"] |= gone
    world.look()
    world.clock_step = 3600.0
    world.at += 89.0
    world.look()
    assert not is_gone(world), "a clock that was set ahead makes no pod late"
    for _ in range(2):
        world.at += STILL
        world.look()
    assert is_gone(world)


@pytest.mark.parametrize("policy", ["Retain", "Force"])
@pytest.mark.parametrize("stranger", [a_job_pod("stranger"), a_loose_pod("stranger")], ids=["a Job's", "a person's"])
def test_a_pod_that_the_route_did_not_make_is_not_waited_for(policy: str, stranger: dict[str, Any]) -> None:
    """It carries the route's labels all the same, and never gets a deletionTimestamp."""
    world = World(raw_route())
    world.look()
    world.kube.objects["Pod", "stranger"] = stranger
    world.delete(policy=policy)
    for _ in range(3):
        world.at += STILL
        world.look()
    assert is_gone(world)


def test_a_pod_that_has_ended_is_not_waited_for() -> None:
    """An evicted pod is there for as long as its ReplicaSet."""
    world = World(raw_route())
    world.look()
    world.start_pods()
    world.kube.objects["Pod", "pod-1"]["status"] = {"phase": "Failed", "reason": "Evicted"}
    world.delete(policy="Retain")
    world.look()
    assert is_gone(world)


@pytest.mark.parametrize(("dead_letters", "kept"), [("Retain", {f"{DOOR}.dead"}), ("Delete", set())])
def test_after_a_drain_dead_letters_stay_or_go_as_the_route_says(dead_letters: str, kept: set[str]) -> None:
    world = leaving(deadLetters=dead_letters)
    world.broker.held = {f"{DOOR}.dead": 2}
    for _ in range(PROOF):
        world.look()
        world.at += STILL
    assert is_gone(world)
    assert set(world.broker.topology.queues) == kept
    assert set(world.broker.topology.exchanges) == kept


def test_dead_letters_that_stayed_are_adopted_by_a_route_of_the_same_name() -> None:
    world = leaving()
    world.broker.held = {f"{DOOR}.dead": 2}
    for _ in range(PROOF):
        world.look()
        world.at += STILL
    again = World(raw_route())
    again.broker.topology = world.broker.topology
    again.look()
    assert again.condition("Conflicted")[0] == "False"
    assert DOOR in again.broker.topology.exchanges


@pytest.mark.parametrize("policy", ["Drain", "Retain", "Force"])
def test_without_its_broker_every_policy_waits_for_the_timeout_and_lets_go(policy: str) -> None:
    world = World(raw_route())
    world.look()
    world.broker.failing = BrokerUnreachable("the broker does not answer")
    world.delete(policy=policy, timeout="5m")
    world.at += 299
    world.look()
    assert not is_gone(world)
    assert world.condition()[1] == "BrokerUnreachable"
    world.at += 2
    world.look()
    assert is_gone(world)
    assert not world.kube.objects
    assert events(world, "BrokerGivenUp")


def test_a_broker_that_comes_back_in_time_is_cleaned_up() -> None:
    world = World(raw_route())
    world.look()
    world.broker.failing = BrokerUnreachable("the broker does not answer")
    world.delete(policy="Drain", timeout="5m", deadLetters="Delete")
    world.look()
    world.broker.failing = None
    for _ in range(PROOF):
        world.at += STILL
        world.look()
    assert is_gone(world)
    assert not world.broker.topology.queues
    assert not events(world, "BrokerGivenUp")


def test_in_a_namespace_that_goes_a_drain_leaves_the_queues_since_no_pod_can_start() -> None:
    world = leaving()
    world.kube.terminating = True
    world.look()
    assert is_gone(world)
    assert set(HELD) <= set(world.broker.topology.queues)
    assert not world.kube.objects
    assert not events(world, "DrainTimedOut")


def test_in_a_namespace_that_goes_a_lost_broker_is_waited_for_half_a_minute_only() -> None:
    world = World(raw_route())
    world.look()
    world.kube.terminating = True
    world.broker.failing = BrokerRefusedCredentials("the broker refused user u")
    world.delete(policy="Drain", timeout="15m")
    world.at += 29
    world.look()
    assert not is_gone(world)
    world.at += 2
    world.look()
    assert is_gone(world)


def test_a_route_that_could_never_be_worked_can_go() -> None:
    world = World(raw_route(tiers=({"name": "standard", "scaling": {"targetDrainTime": "0s"}},)))
    world.look()
    assert world.condition()[1] == "SpecInvalid"
    world.delete(policy="Drain")
    for _ in range(PROOF):
        world.look()
        world.at += STILL
    assert is_gone(world)


def test_an_order_that_no_report_counts_yet_keeps_its_queue() -> None:
    world = leaving()
    world.broker.held = {}
    world.broker.late = {f"{DOOR}.standard.retry.1000": 1}
    for _ in range(2 * PROOF):
        world.look()
        world.at += STILL
    assert not is_gone(world)
    assert f"{DOOR}.standard.retry.1000" in world.broker.topology.queues
    assert "orders came late" in world.condition("Progressing")[2]
    world.broker.late = {}
    for _ in range(2 * PROOF):
        world.look()
        world.at += STILL
    assert is_gone(world)


def test_a_queue_that_somebody_consumes_is_not_deleted_by_a_drain() -> None:
    world = leaving()
    world.broker.held = {}
    world.broker.consumers = {f"{DOOR}.standard.stable": 1}
    for _ in range(2 * PROOF):
        world.look()
        world.at += STILL
    assert not is_gone(world)
    assert f"{DOOR}.standard.stable" in world.condition("Progressing")[2]
    world.broker.consumers = {}
    world.look()
    assert is_gone(world)


def test_force_counts_orders_that_no_report_counts_yet() -> None:
    world = World(raw_route())
    world.look()
    world.delete(policy="Force")
    world.look()
    world.broker.held = {f"{DOOR}.dead": 2}
    world.broker.late = {f"{DOOR}.standard.stable": 5}
    world.at += STILL
    world.look()
    assert events(world, "OrdersRemoved") == ["Warning OrdersRemoved: Force removed 7 orders with their queues"]
