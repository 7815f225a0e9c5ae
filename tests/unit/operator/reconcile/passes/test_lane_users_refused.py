"""A broker that makes no users, or not these: the route says what to do, and its pods go on with what they have."""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.errors import BrokerError, BrokerUnreachable
from merchantroute_operator.kube.kube_port import SecretData
from merchantroute_operator.lane_users.broker_user import BrokerUser, Permissions
from merchantroute_operator.lane_users.password import hashed
from tests.unit.operator.fake_ports import BROKER
from tests.unit.operator.reconcile.passes.test_lane_users import (
    LANES,
    PER_LANE,
    end,
    fresh,
    made,
    mounted,
    secret,
    user,
)


def test_who_may_not_make_users_is_told_what_to_do_and_goes_on() -> None:
    world = fresh(broker={**PER_LANE, "workerSecretRef": {"name": "for-pods"}})
    world.kube.secrets["for-pods"] = SecretData("for-pods", {}, BROKER)
    world.broker.administrator = False
    world.look()
    status, reason, words = world.condition("LaneUsersReady")
    assert (status, reason) == ("False", "UsersNotAllowed")
    assert "Secret rabbitmq" in words
    assert "Secret for-pods" in words
    assert "set_user_tags" in words
    assert "Given" in words
    assert set(mounted(world).values()) == {"for-pods"}
    assert world.condition("Progressing")[0] != "Blocked"
    assert [event for event in world.kube.events if event.startswith("Warning UsersNotAllowed")]
    world.broker.administrator = True
    world.look()
    assert world.condition("LaneUsersReady")[:2] == ("True", "AsWanted")
    assert mounted(world)[naming.deployment("pos", "standard", "stable")] == secret()


def test_who_may_no_longer_make_users_keeps_those_that_there_are() -> None:
    world = made()
    world.broker.administrator = False
    world.look()
    assert world.condition("LaneUsersReady")[:2] == ("False", "UsersNotAllowed")
    assert mounted(world) == {naming.deployment("pos", *lane): secret(*lane) for lane in LANES}
    assert "apply Deployment" not in world.log


def test_a_user_of_the_same_name_that_is_somebody_elses_is_left_alone() -> None:
    world = fresh()
    theirs = BrokerUser(user(), frozenset({"management"}), hashed("theirs"), Permissions(".*", ".*", ".*"))
    world.broker.accounts[user()] = theirs
    world.look()
    assert world.broker.accounts[user()] == theirs
    status, reason, words = world.condition("LaneUsersReady")
    assert (status, reason) == ("False", "UserTaken")
    assert user() in words
    assert mounted(world)[naming.deployment("pos", "standard", "stable")] == "rabbitmq"
    assert mounted(world)[naming.deployment("pos", "enterprise", "stable")] == secret("enterprise")
    world.delete(policy="Force")
    end(world)
    assert world.broker.accounts == {user(): theirs}


def test_users_that_cannot_be_read_stand_before_nothing() -> None:
    world = fresh()
    world.broker.unreadable_users = BrokerError("reading users: the answer is too large")
    world.look()
    assert world.condition("LaneUsersReady") == ("False", "BrokerError", "reading users: the answer is too large")
    assert set(mounted(world).values()) == {"rabbitmq"}


def test_a_broker_that_refuses_a_user_stands_before_nothing() -> None:
    world = fresh()
    world.broker.refusing_users = BrokerError("making user x: too many users")
    world.look()
    assert world.condition("LaneUsersReady")[:2] == ("False", "BrokerError")
    assert set(mounted(world).values()) == {"rabbitmq"}
    assert not [name for kind, name in world.kube.objects if kind == "Secret" and name.endswith("-broker-user")]


def test_a_broker_that_goes_away_between_is_tried_again() -> None:
    world = fresh()
    world.broker.refusing_users = BrokerUnreachable("the broker does not answer")
    world.look()
    assert mounted(world) == {}
    world.broker.refusing_users = None
    world.look()
    assert set(mounted(world).values()) == {secret(*lane) for lane in LANES}
