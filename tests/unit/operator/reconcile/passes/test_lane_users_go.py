"""Lanes' broker users go with their lane, their route, or the wish for them; none stays that somebody could need."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from merchantroute_operator import naming
from merchantroute_operator.lane_users.broker_user import BrokerUser, Permissions
from merchantroute_operator.lane_users.password import hashed, matches
from merchantroute_operator.resources.lane_user_secret import lane_user
from tests.unit.operator.operator_under_test import PROOF, STILL, World, first
from tests.unit.operator.reconcile.passes.test_lane_users import (
    PER_LANE,
    account,
    end,
    made,
    mounted,
    password,
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


@pytest.mark.parametrize("change", [None, {"permissions": None}, {"password_hash": hashed("x")}])
def test_a_lane_that_is_drained_keeps_its_user_whatever_somebody_does_to_it(change: dict[str, Any] | None) -> None:
    """Its pods could not come in again, and its orders would wait for ever."""
    world = made()
    start_pod(world, "enterprise")
    before = world.broker.accounts[user("enterprise")]
    world.change(broker=PER_LANE, tiers=["standard"])
    world.look()
    assert naming.stable_queue("orders", "pos", "enterprise") in world.broker.topology.queues
    harm(world, "enterprise", change)

    world.look()

    found = world.broker.accounts[user("enterprise")]
    assert (found.tags, found.permissions) == (before.tags, before.permissions)
    assert matches(password(world, "enterprise"), found.password_hash)


def test_a_lane_that_is_drained_may_still_publish_what_its_pods_do() -> None:
    world = made(worker={"image": "shop:1", "app": "shop.celery"})
    start_pod(world, "enterprise")
    before = world.broker.accounts[user("enterprise")].permissions
    assert before is not None
    assert re.search(before.write, "mr.orders.pos")
    world.change(broker=PER_LANE, tiers=["standard"])
    world.look()
    world.look()
    assert world.broker.accounts[user("enterprise")].permissions == before


def test_a_route_that_is_drained_before_it_goes_keeps_its_users() -> None:
    world = made()
    start_pod(world)
    before = dict(world.broker.accounts)
    world.delete(policy="Drain")
    world.look()
    harm(world, "standard", None)
    harm(world, "enterprise", {"permissions": Permissions(".*", ".*", ".*")})

    world.look()

    assert {name: found.permissions for name, found in world.broker.accounts.items()} == {
        name: found.permissions for name, found in before.items()
    }
    assert matches(password(world), world.broker.accounts[user()].password_hash)


def test_a_drain_goes_on_where_the_operator_may_no_longer_make_users() -> None:
    world = made()
    world.delete(policy="Drain")
    world.broker.administrator = False
    end(world)


def test_a_secret_that_somebody_wrote_another_user_into_makes_no_user_of_the_brokers() -> None:
    world = made()
    start_pod(world)
    world.delete(policy="Drain")
    world.look()
    world.kube.objects["Secret", secret()]["data"]["username"] = b64encode(b"admin").decode()
    harm(world, "standard", None)
    world.look()
    assert "admin" not in world.broker.accounts
    assert user() not in world.broker.accounts


def harm(world: World, tier: str, change: dict[str, Any] | None) -> None:
    """What somebody does to the user of a tier's lane; None: it is deleted."""
    before = world.broker.accounts.pop(user(tier))
    if change is not None:
        world.broker.accounts[before.name] = replace(before, **change)


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


@pytest.mark.parametrize("change", [None, {"permissions": None}, {"password_hash": hashed("x")}])
def test_pods_of_before_keep_their_user_whatever_somebody_does_to_it_until_they_have_gone(
    change: dict[str, Any] | None,
) -> None:
    """They finish their orders, and could not come in again after a broken connection."""
    world = made()
    start_pod(world)
    before = world.broker.accounts[user()]
    world.change()
    harm(world, "standard", change)
    world.look()
    harm(world, "standard", change)

    world.look()

    found = world.broker.accounts[user()]
    assert (found.tags, found.permissions) == (before.tags, before.permissions)
    assert matches(password(world), found.password_hash)
    assert f"user {user()} was" in str(world.kube.events)
    start_pod(world)
    world.look()
    assert world.broker.accounts == {}


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
