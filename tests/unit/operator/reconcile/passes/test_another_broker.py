"""A route's broker is remembered: another one is not followed until somebody agrees, and no order is left behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from merchantroute_operator.naming import ANNOTATION_ADOPT, ANNOTATION_MOVED, owner
from merchantroute_operator.topology.objects import OWNER
from tests.unit.operator.fake_ports import BROKER
from tests.unit.operator.operator_under_test import DOOR, KEY, PROOF, STILL, World
from tests.unit.operator.order_routing import NOTHING
from tests.unit.operator.route_samples import CLUSTER, raw_route

WRITES = ("declare", "bind", "unbind", "delete", "apply", "create", "move", "scale")


def point_to(world: World, **keys: bytes) -> None:
    secret = world.kube.secrets["rabbitmq"]
    world.kube.secrets["rabbitmq"] = replace(secret, data={**BROKER, **keys})


def annotate(world: World, key: str, value: str) -> None:
    assert world.kube.stored is not None
    world.kube.stored["metadata"].setdefault("annotations", {})[key] = value


def written(world: World) -> dict[str, str]:
    assert world.kube.stored is not None
    return dict(world.kube.stored["metadata"].get("annotations", {}))


def settled() -> World:
    world = World(raw_route())
    world.look()
    assert world.kube.status["broker"] == "rabbit"
    return world


@pytest.mark.parametrize(
    ("keys", "said"), [({"host": b"blue"}, "blue"), ({"vhost": b"orders"}, "rabbit/orders")], ids=["host", "vhost"]
)
def test_another_broker_is_refused_in_words_and_nothing_is_written(keys: dict[str, bytes], said: str) -> None:
    world = settled()
    point_to(world, **keys)
    world.start()  # nothing is remembered but what the status says
    world.look()
    assert not [line for line in world.log if line.startswith(WRITES)]
    for condition in ("Ready", "QueuesReady"):
        status, reason, message = world.condition(condition)
        assert (status, reason) == ("False", "BrokerChanged")
        assert f"says {said}, but the route's queues are on rabbit" in message
        assert f"kubectl annotate mr pos -n orders {ANNOTATION_MOVED}={said}" in message
    assert world.kube.status["broker"] == "rabbit"

    point_to(world)
    world.look()
    assert world.condition("QueuesReady")[0] == "True"


@pytest.mark.parametrize(
    "keys",
    [
        {"port": b"5671"},
        {"username": b"v", "password": b"rotated"},
        {"host": b"RABBIT."},
        {"management_uri": b"http://elsewhere:15672"},
    ],
    ids=["port", "credentials", "spelling", "management"],
)
def test_what_is_the_same_broker_is_followed(keys: dict[str, bytes]) -> None:
    world = settled()
    point_to(world, **keys)
    world.look()
    assert world.condition("QueuesReady")[0] == "True"


def test_who_agrees_to_the_one_broker_has_it_once() -> None:
    world = settled()
    point_to(world, host=b"blue")
    annotate(world, ANNOTATION_MOVED, "green")
    world.look()
    assert world.condition()[1] == "BrokerChanged"
    annotate(world, ANNOTATION_MOVED, "blue")
    world.look()
    assert world.condition("QueuesReady")[0] == "True"
    assert world.kube.status["broker"] == "blue"
    world.look()
    assert ANNOTATION_MOVED not in written(world)
    point_to(world)
    world.look()
    assert world.condition()[1] == "BrokerChanged"


def test_a_broker_that_the_route_never_had_a_front_door_on_is_not_held_against_its_secret() -> None:
    world = left_by_another_cluster()
    world.look()
    assert world.condition()[1] == "TopologyConflict"
    point_to(world, host=b"blue")
    world.broker.topology = NOTHING
    world.look()
    assert world.kube.status["broker"] == "blue"


def test_a_route_that_is_deleted_while_its_secret_says_another_broker_deletes_nothing_there() -> None:
    world = settled()
    queues = set(world.broker.topology.queues)
    point_to(world, host=b"blue")
    world.delete(policy="Drain", timeout="5m")
    world.look()
    assert world.condition()[1] == "BrokerChanged"
    world.at += 401
    world.look()
    assert world.kube.stored["metadata"]["finalizers"] == []  # type: ignore[index]
    assert set(world.broker.topology.queues) == queues
    assert any("BrokerGivenUp" in event and "are on rabbit" in event for event in world.kube.events)


def left_by_another_cluster() -> World:
    """The broker as the same route left it that another cluster had."""
    before = settled()
    old, mine = owner("old-uid", *KEY), owner(CLUSTER, *KEY)
    topology = before.broker.topology
    assert {thing.arguments[OWNER] for thing in topology.queues.values()} == {mine}
    world = World(raw_route())
    world.broker.topology = replace(
        topology,
        queues={n: replace(q, arguments={**q.arguments, OWNER: old}) for n, q in topology.queues.items()},
        exchanges={n: replace(e, arguments={**e.arguments, OWNER: old}) for n, e in topology.exchanges.items()},
    )
    return world


def test_another_clusters_queues_are_adopted_when_that_is_asked_for() -> None:
    world = left_by_another_cluster()
    before = world.broker.topology
    world.look()
    assert world.condition("Conflicted")[0] == "True"
    assert f"kubectl annotate mr pos -n orders {ANNOTATION_ADOPT}=old-uid" in world.condition("Conflicted")[2]
    assert world.broker.topology == before

    annotate(world, ANNOTATION_ADOPT, "old-uid")
    world.look()
    assert world.condition("Conflicted")[0] == "False"
    assert world.condition("QueuesReady")[0] == "True"
    assert world.broker.topology == before

    world.delete(policy="Drain", deadLetters="Delete")
    for _ in range(PROOF):
        world.look()
        world.at += STILL
    assert not world.broker.topology.queues
    assert not world.broker.topology.exchanges


@pytest.mark.parametrize("value", ["another-uid", "", "old-uid/orders/till"])
def test_nothing_else_is_adopted(value: str) -> None:
    world = left_by_another_cluster()
    before = world.broker.topology
    annotate(world, ANNOTATION_ADOPT, value)
    world.look()
    assert world.condition("Conflicted")[0] == "True"
    assert world.broker.topology == before


def test_the_whole_mark_may_be_written() -> None:
    world = left_by_another_cluster()
    annotate(world, ANNOTATION_ADOPT, "old-uid/orders/pos")
    world.look()
    assert world.condition("Conflicted")[0] == "False"


def test_queues_with_other_arguments_go_with_the_tier_that_is_renamed() -> None:
    world = settled()
    topology = world.broker.topology
    other = {
        name: replace(queue, arguments={**queue.arguments, "x-delivery-limit": 3}) if ".standard." in name else queue
        for name, queue in topology.queues.items()
    }
    world.broker.topology = replace(topology, queues=other)
    world.look()
    assert "rename its tier" in world.condition("Conflicted")[2]

    world.change(tiers=("regular",), default="regular")
    for _ in range(2 * PROOF):
        world.look()
        world.at += STILL
    assert not [name for name in world.broker.topology.queues if ".standard." in name]
    assert f"{DOOR}.regular.stable" in world.broker.topology.queues
    assert world.condition("Conflicted")[0] == "False"
    assert DOOR in world.broker.topology.exchanges
