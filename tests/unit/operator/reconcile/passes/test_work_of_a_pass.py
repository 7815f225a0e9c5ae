"""What a pass over a route costs: each endpoint is read once in all, and the vhost once for a merchant that moves."""

from __future__ import annotations

from merchantroute_operator.spec.endpoint import host_and_port
from tests.unit.operator.operator_under_test import DOOR, KEY, World
from tests.unit.operator.route_samples import raw_route

MERCHANTS = 20


def test_an_endpoint_is_read_once() -> None:
    raw = raw_route(merchants={f"burger-{number}": "standard" for number in range(MERCHANTS)})
    for merchant in raw["spec"]["merchants"]:
        merchant["endpoint"] = f"https://{merchant['id']}.example/"
    world = World(raw)
    host_and_port.cache_clear()
    world.look()
    world.look()
    assert host_and_port.cache_info().misses == MERCHANTS
    assert world.reconciler.states[KEY].route is not None


def test_a_merchant_that_moves_takes_one_read_of_the_whole_vhost() -> None:
    world = World(raw_route(merchants={"burger": "standard", "taco": "standard"}))
    for _ in range(3):
        world.look()
    world.change(merchants={"burger": "enterprise", "taco": "standard"})
    before = world.broker.observed
    world.look()
    assert world.bound() == {"burger": f"{DOOR}.enterprise", "taco": f"{DOOR}.standard"}
    assert world.broker.observed == before + 1
    assert world.reconciler.states[KEY].seen.topology == world.broker.topology
