"""Pods say which merchants refuse their credentials or lead where no call may go; the route names them until a while
after the last pod said so.
"""

from dataclasses import replace

from merchantroute_operator.reconcile.observers.troubled_merchants import STAYS
from merchantroute_operator.scaling.model import Pulse
from tests.unit.operator.operator_under_test import KEY
from tests.unit.operator.reconcile.passes.test_suspect_lane import Fleet, fleet

EVENT = "CredentialsRefused"


def say(world: Fleet, *refusing: str, forbidden: tuple[str, ...] = ()) -> None:
    refused = frozenset(refusing)
    quiet = Pulse("pod-1", *KEY, "standard", "stable", 0, world.at, 1, 0, 0.0, 0, 0, 0)
    world.hear(replace(quiet, credentials_refused=refused, forbidden=frozenset(forbidden)))


def events(world: Fleet) -> list[str]:
    return [event for event in world.kube.events if EVENT in event]


def test_merchants_that_refuse_are_named_and_told_of_once() -> None:
    world = fleet()
    say(world, "taco", "burger")
    world.tick()
    world.settle()

    status, reason, message = world.condition("CredentialsAccepted")
    assert (status, reason) == ("False", EVENT)
    assert "burger, taco" in message
    assert world.condition() == ("True", "AsWanted", "Orders flow")
    say(world, "taco")
    world.tick()
    world.settle()
    assert len(events(world)) == 1


def test_a_merchant_that_takes_them_again_is_named_no_more_a_while_later() -> None:
    world = fleet()
    say(world, "taco")
    world.tick()
    say(world)
    world.tick()
    world.settle()
    assert world.condition("CredentialsAccepted")[0] == "False"

    world.at += STAYS
    say(world)
    world.tick()
    world.settle()
    assert world.condition("CredentialsAccepted")[:2] == ("True", "AsWanted")


def test_merchants_that_lead_where_no_call_may_go_are_named_until_a_while_after() -> None:
    world = fleet()
    say(world, forbidden=("taco", "burger"))
    world.tick()
    world.settle()

    status, reason, message = world.condition("AddressesAllowed")
    assert (status, reason) == ("False", "AddressForbidden")
    assert "burger, taco" in message
    assert len([event for event in world.kube.events if "AddressForbidden" in event]) == 1
    assert world.condition("CredentialsAccepted")[0] == "True"

    world.at += STAYS
    say(world)
    world.tick()
    world.settle()
    assert world.condition("AddressesAllowed")[:2] == ("True", "AsWanted")
