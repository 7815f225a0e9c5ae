"""Whose passes share a budget: the routes of one broker, and of a namespace those that never came to one."""

from __future__ import annotations

from merchantroute_operator.errors import BrokerUnreachable
from merchantroute_operator.reconcile.reconciler import FAILING_A_BROKER, PASSES_A_BROKER
from tests.unit.operator.operator_under_test import KEY, World
from tests.unit.operator.route_samples import raw_route


def test_a_route_that_never_came_to_a_broker_counts_for_its_namespace_and_then_for_its_broker() -> None:
    world = World(raw_route())
    assert world.reconciler._budget(KEY) == (("orders", False), PASSES_A_BROKER)
    world.look()
    address = world.reconciler._ctx.brokers.address(KEY)
    assert address is not None
    assert world.reconciler._budget(KEY) == ((address, False), PASSES_A_BROKER)


def test_routes_that_failed_share_a_smaller_one_until_they_succeed() -> None:
    world = World(raw_route())
    world.broker.failing = BrokerUnreachable("no answer")
    world.look()
    address = world.reconciler._ctx.brokers.address(KEY)
    assert world.reconciler._budget(KEY) == ((address, True), FAILING_A_BROKER)
    world.broker.failing = None
    world.look()
    assert world.reconciler._budget(KEY) == ((address, False), PASSES_A_BROKER)
