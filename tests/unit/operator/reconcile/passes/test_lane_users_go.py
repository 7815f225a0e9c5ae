"""Lanes' broker users go with their lane, their route, or the wish for them; none stays that somebody could need."""

from __future__ import annotations

import pytest

from merchantroute_operator import naming
from merchantroute_operator.lane_users.broker_user import BrokerUser
from merchantroute_operator.lane_users.password import hashed
from merchantroute_operator.resources.lane_user_secret import lane_user
from tests.unit.operator.operator_under_test import PROOF, STILL, first
from tests.unit.operator.reconcile.passes.test_lane_users import (
    PER_LANE,
    account,
    end,
    made,
    mounted,
    secret,
    start_pod,
    user,
)


def test_a_lanes_user_goes_once_no_pod_needs_it() -> None:
    world = made()
    start_pod(world, "enterprise")
    world.change(broker=PER_LANE, tiers=["standard"])
    for _ in range(PROOF + 1):
        world.look()
        world.at += STILL
    assert ("Deployment", naming.deployment("pos", "enterprise", "stable")) not in world.kube.objects
    assert user("enterprise") in world.broker.accounts, "its pod is still there"
    del world.kube.objects["Pod", "enterprise-1"]
    world.look()
    assert set(world.broker.accounts) == {user(), user("suspect", "suspect")}
    assert ("Secret", secret("enterprise")) not in world.kube.objects
    assert first(world.log, f"drop user {user('enterprise')}") < first(world.log, "delete Secret")


def test_a_route_that_no_longer_asks_gives_its_pods_the_given_user_first() -> None:
    world = made()
    start_pod(world)
    world.change()
    world.look()
    world.look()
    assert set(mounted(world).values()) == {"rabbitmq"}
    assert lane_user(world.kube.objects["Secret", secret()]) in world.broker.accounts
    start_pod(world)  # of the new template, in place of the old one
    world.look()
    assert world.broker.accounts == {}
    assert not [name for kind, name in world.kube.objects if kind == "Secret" and name.endswith("-broker-user")]
    world.look()
    assert world.log == []


def test_users_that_may_not_be_removed_are_told_and_keep_their_secrets() -> None:
    world = made()
    world.change()
    world.broker.administrator = False
    world.look()
    world.look()
    status, reason, words = world.condition("LaneUsersReady")
    assert (status, reason) == ("False", "UsersNotAllowed")
    assert "delete_user" in words
    assert ("Secret", secret()) in world.kube.objects


@pytest.mark.parametrize("policy", ["Drain", "Retain", "Force"])
def test_users_and_secrets_go_with_the_route_whatever_becomes_of_its_orders(policy: str) -> None:
    world = made()
    other = account(user(route="other"))
    world.broker.accounts[other.name] = other
    world.delete(policy=policy)
    end(world)
    assert world.broker.accounts == {other.name: other}
    assert not [name for kind, name in world.kube.objects if kind == "Secret"]


def test_a_route_whose_users_may_not_be_removed_goes_all_the_same_and_says_so() -> None:
    world = made()
    world.broker.administrator = False
    world.delete(policy="Force")
    end(world)
    assert [event for event in world.kube.events if event.startswith("Warning UsersLeft") and "mr.orders.pos." in event]


def test_users_of_a_route_that_went_without_its_broker_go_with_another_routes_pass() -> None:
    """Of the same namespace: the others may be another operator's."""
    world = made()
    mine = set(world.broker.accounts)
    gone, theirs = account(user(route="gone")), account("mr.shop.gone.standard.stable.00000000")
    foreign = BrokerUser("mr.orders.gone.mine", frozenset(), hashed("x"))
    world.broker.accounts |= {each.name: each for each in (gone, theirs, foreign)}
    world.look()
    assert set(world.broker.accounts) == mine | {theirs.name, foreign.name}
