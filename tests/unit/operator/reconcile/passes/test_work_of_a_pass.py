"""What a pass over a route does again and again: each endpoint is read once, however many passes there are."""

from __future__ import annotations

from merchantroute_operator.spec.endpoint import host_and_port
from tests.unit.operator.operator_under_test import KEY, World
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
