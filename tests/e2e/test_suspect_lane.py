"""A route's lane for suspect orders: no pod while there is none, one while there is, and none is forgotten at the end.

Orders are published to it as workers do it. All routes of this module live in one namespace and start together.
"""

from functools import partial

import pytest

from merchantroute_kit.waiting import until
from tests.e2e.conftest import OpenWebShop
from tests.e2e.routes import Json, route, tier
from tests.e2e.tenant import Tenant

DELETIONS: dict[str, Json] = {"wakes": {"policy": "Force"}, "drains": {"policy": "Drain"}, "goes": {"policy": "Force"}}
COOLING = "5s"


@pytest.fixture(scope="module")
def there(module_place: Tenant) -> Tenant:
    """All the routes, Ready."""
    tiers = [tier("only", scaleDownAfter=COOLING)]
    module_place.apply(
        *(route(name, tiers=tiers, merchants={f"s-{name}": "only"}, deletion=DELETIONS[name]) for name in DELETIONS)
    )
    module_place.ready(*DELETIONS)
    return module_place


def test_a_suspect_order_wakes_one_pod_and_is_done(there: Tenant, shop: OpenWebShop) -> None:
    assert _asked(there, "wakes") == 0
    assert not _pods(there, "wakes")
    assert (
        there.rabbit("GET", f"queues/{{vhost}}/mr.{there.namespace}.wakes.suspect")["arguments"][
            "x-dead-letter-exchange"
        ]
        == f"mr.{there.namespace}.wakes.dead"
    )
    till = shop(there, "wakes")

    orders = till.publish_suspect("s-wakes", 5)

    until(lambda: orders <= till.done(), "the suspect orders are done", 90, lambda: there.tell("wakes"))
    assert till.tiers(orders) == {"suspect"}
    assert there.condition("wakes", "Ready")["status"] == "True"
    assert len(_pods(there, "wakes")) == 1
    until(
        lambda: _asked(there, "wakes") == 0, "the lane has no pod any more", 90, lambda: there.lane("wakes", "suspect")
    )
    ledger = till.settled()
    assert ledger.done == orders
    assert (ledger.lost, ledger.doubled, ledger.copies) == (0, set(), set())


def test_a_drain_ends_when_suspect_orders_are_done_too(there: Tenant, shop: OpenWebShop) -> None:
    till = shop(there, "drains")
    till.behave("s-drains", latency={"p50_ms": 300})
    orders = till.publish_suspect("s-drains", 3) | till.publish("s-drains", 10)

    there.kubectl("delete", "mr", "drains", "--wait=false")

    _gone(there, "drains")
    ledger = till.ledger()
    assert ledger.done == orders
    assert (ledger.lost, ledger.doubled, ledger.copies) == (0, set(), set())
    assert set(there.queues("drains")) == {"dead"}


def test_force_tells_of_suspect_orders_too(there: Tenant, shop: OpenWebShop) -> None:
    till = shop(there, "goes")
    till.behave("s-goes", behaviour="hang")
    orders = till.publish_suspect("s-goes", 4) | till.publish("s-goes", 10)
    until(lambda: sum(there.queues("goes").values()) == len(orders), "the orders are queued", 30)

    there.kubectl("delete", "mr", "goes", "--wait=false")

    _gone(there, "goes")
    there.told("goes", "OrdersRemoved", f" {len(orders)} orders")
    assert there.queues("goes") == {}


def _asked(place: Tenant, name: str) -> int:
    (deployment,) = place.deployments(name, "suspect")
    return int(deployment["spec"].get("replicas", 0))


def _pods(place: Tenant, name: str) -> list[Json]:
    return [pod for pod in place.pods(name) if pod["metadata"]["labels"]["merchantroute.dev/lane"] == "suspect"]


def _gone(place: Tenant, name: str) -> None:
    until(lambda: place.route(name) is None, f"{name} is gone", 120, partial(place.tell, name))
    until(lambda: not place.pods(name), f"the pods of {name} are gone", 60)
    assert not place.deployments(name)
