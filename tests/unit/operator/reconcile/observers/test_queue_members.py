"""Queues of a route on a broker of several nodes: what QueuesReady says when members are away."""

from tests.unit.operator.operator_under_test import DOOR
from tests.unit.operator.reconcile.passes.test_suspect_lane import Fleet, fleet

LANE = f"{DOOR}.standard.stable"


def standing(**members: tuple[int, int]) -> Fleet:
    """A route whose queues have three members each, all online; ``lane`` and ``dead`` have these."""
    world = fleet()
    world.broker.members = dict.fromkeys(world.broker.topology.queues, (3, 3))
    named = {"lane": LANE, "dead": f"{DOOR}.dead"}
    world.broker.members |= {named[which]: counts for which, counts in members.items()}
    world.tick()
    world.look()
    return world


def test_a_queue_without_a_majority_takes_and_gives_nothing_and_the_route_is_not_ready() -> None:
    world = standing(lane=(3, 1))
    assert world.condition("QueuesReady")[:2] == world.condition()[:2] == ("False", "NoQuorum")
    assert LANE in world.condition()[2]

    world.broker.members[LANE] = (3, 2)
    world.tick()
    world.look()
    assert world.condition("QueuesReady")[:2] == ("True", "AsWanted")
    assert "Members are away of" in world.condition("QueuesReady")[2]
    assert world.condition()[0] == "True"


def test_a_queue_on_fewer_nodes_than_others_is_named_with_the_command_that_mends_it() -> None:
    world = standing(dead=(1, 1))
    status, _, words = world.condition("QueuesReady")
    assert status == "True"
    assert f"{DOOR}.dead" in words
    assert "rabbitmq-queues grow" in words


def test_whole_queues_are_not_spoken_of() -> None:
    assert standing().condition("QueuesReady")[2] == "Every queue and exchange of the route is there"
