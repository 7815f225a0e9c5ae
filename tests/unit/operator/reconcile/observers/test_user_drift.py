"""Between two reconciles a lane's user is compared with what the last one left, once for all routes of the vhost."""

from __future__ import annotations

from tests.unit.operator.reconcile.passes.test_lane_users import PER_LANE, account, start_pod, user
from tests.unit.operator.reconcile.test_quiet_routes import Quiet
from tests.unit.operator.route_samples import raw_route


def test_a_route_that_rests_is_looked_at_when_somebody_changes_a_user() -> None:
    world = Quiet(raw_route(broker=PER_LANE))
    world.pass_time(130)
    assert not world.touched
    world.broker.accounts[user()] = account(user())
    world.pass_time(62)
    assert world.touched


def test_a_route_that_rests_is_looked_at_when_the_operator_may_no_longer_look() -> None:
    world = Quiet(raw_route(broker=PER_LANE))
    world.broker.administrator = False
    world.pass_time(62)
    assert world.touched


def test_a_user_is_compared_until_the_last_pod_of_before_has_gone() -> None:
    world = Quiet(raw_route(broker=PER_LANE))
    start_pod(world)
    world.change()
    world.look()
    world.pass_time(62)
    assert not world.touched
    assert user() in world.broker.accounts
    world.broker.accounts[user()] = account(user())
    world.pass_time(62)
    assert world.touched


def test_users_are_not_read_for_a_route_that_has_none() -> None:
    world = Quiet(raw_route())
    world.broker.administrator = False
    world.pass_time(130)
    assert not world.touched


def test_a_route_without_its_users_does_not_rest_until_the_operator_may_make_them() -> None:
    world = Quiet(raw_route(broker=PER_LANE))
    world.broker.administrator = False
    world.look()
    assert world.condition("LaneUsersReady")[0] == "False"
    world.pass_time(61)
    world.broker.administrator = True
    world.due()
    assert world.condition("LaneUsersReady")[0] == "True"
