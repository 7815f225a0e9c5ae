"""A split that others changed, in passes: built anew and told; and a share that no split can put right is only told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from merchantroute_operator.topology.objects import Binding
from tests.unit.operator.canary_scenario import CANARY, TIER, Road, road
from tests.unit.operator.operator_under_test import KEY

STABLE = f"{TIER}.stable"
SPLIT = f"{TIER}.split.a"
OF_STABLE, OF_CANARY = (Binding(SPLIT, queue, "queue", key="50") for queue in (STABLE, CANARY))
WAY, OTHER_WAY = Binding(TIER, SPLIT, "exchange"), Binding(TIER, f"{TIER}.split.b", "exchange")


def repaired(world: Road) -> list[str]:
    return [event for event in world.kube.events if event.startswith("Warning Repaired: standard: ")]


def side(world: Road) -> str:
    (way,) = [b.target for b in world.broker.topology.bindings if b.source == TIER]
    return way[-1]


def publish(world: Road, stable: int, canary: int) -> None:
    """So many orders enter the lanes, between two calm times."""
    world.tick(times=5)
    for queue, orders in ((STABLE, stable), (CANARY, canary)):
        world.broker.published[queue] = world.broker.published.get(queue, 0) + orders
    world.tick(times=5)


@pytest.mark.parametrize(
    ("less", "more", "words"),
    [
        ({OF_CANARY}, {OF_CANARY._replace(key="20")}, "split a had canary 20, stable 50"),
        ({OF_CANARY}, set(), "split a had stable 50"),
        (set(), {Binding(SPLIT, "tap", "queue", key="60")}, "split a had canary 50, stable 50, tap 60"),
        ({OF_STABLE, OF_CANARY}, set(), "split a had no binding"),
        ({WAY}, set(), "no split had the tier's orders"),
    ],
)
def test_it_is_built_anew_within_a_pass_and_an_event_says_how_it_had_been(
    less: set[Binding], more: set[Binding], words: str
) -> None:
    world = road({"weight": 50})
    topology = world.broker.topology
    world.broker.topology = replace(topology, bindings=topology.bindings - less | more)
    world.look()
    assert world.share() == 50
    assert repaired(world) == [f"Warning Repaired: standard: {words}: its split is built anew"]
    world.kube.events.clear()
    world.look()
    world.look()
    assert (world.share(), repaired(world)) == (50, [])


def test_a_second_split_beside_the_right_one_is_unbound_and_told() -> None:
    world = road({"weight": 50})
    topology = world.broker.topology
    other = replace(topology.exchanges[SPLIT], name=OTHER_WAY.target)
    exchanges = {**topology.exchanges, other.name: other}
    world.broker.topology = replace(topology, exchanges=exchanges, bindings=topology.bindings | {OTHER_WAY})
    world.look()
    assert (side(world), world.share()) == ("a", 50)
    assert any(f"binding {TIER} to {other.name} was added: removed" in event for event in world.kube.events)


def test_a_share_that_is_off_behind_right_bindings_has_the_other_split_built() -> None:
    world = road({"weight": 50})
    publish(world, 2_000, 0)
    assert world.reconciler.states[KEY].schedule.full
    world.look()
    told = "Warning Repaired: standard: the canary got 0.0 % of 2,000 orders, not 50 %: its split is built anew"
    assert (side(world), world.share(), repaired(world)) == ("b", 50, [told])
    assert SPLIT not in world.broker.topology.exchanges
    world.kube.events.clear()
    publish(world, 1_000, 1_000)
    world.look()
    assert (side(world), repaired(world)) == ("b", [])
    publish(world, 9_000, 9_000)
    publish(world, 5_000, 0)
    world.look()
    assert side(world) == "a"


def test_a_share_that_another_split_does_not_put_right_is_told_once_and_left() -> None:
    world = road({"weight": 50})
    publish(world, 2_000, 0)
    world.look()
    world.kube.events.clear()
    for _ in range(3):
        publish(world, 2_000, 0)
        world.look()
    assert (side(world), repaired(world)) == ("b", [])
    (told,) = [event for event in world.kube.events if "CanaryShareOff" in event]
    assert "does each order have a correlation_id of its own?" in told


def test_while_the_route_is_paused_no_split_is_built() -> None:
    world = road({"weight": 50})
    assert world.kube.stored is not None
    world.kube.stored["spec"]["paused"] = True
    world.look()
    publish(world, 2_000, 0)
    world.look()
    assert (side(world), repaired(world)) == ("a", [])


def test_another_weight_is_measured_from_its_own_start() -> None:
    world = road({"weight": 50})
    publish(world, 500, 500)
    world.rewrite({"weight": 5})
    world.look()
    publish(world, 1_900, 100)
    world.look()
    assert repaired(world) == []
