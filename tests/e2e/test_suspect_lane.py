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
def tenant(module_tenant: Tenant) -> Tenant:
    """All the routes, Ready."""
    tiers = [tier("only", scaleDownAfter=COOLING)]
    module_tenant.apply(
        *(route(name, tiers=tiers, merchants={f"s-{name}": "only"}, deletion=DELETIONS[name]) for name in DELETIONS)
    )
    module_tenant.ready(*DELETIONS)
    return module_tenant


def test_a_suspect_order_wakes_one_pod_and_is_done(tenant: Tenant, web_shop: OpenWebShop) -> None:
    assert _asked(tenant, "wakes") == 0
    assert not _pods(tenant, "wakes")
    assert (
        tenant.rabbit("GET", f"queues/{{vhost}}/mr.{tenant.namespace}.wakes.suspect")["arguments"][
            "x-dead-letter-exchange"
        ]
        == f"mr.{tenant.namespace}.wakes.dead"
    )
    till = web_shop(tenant, "wakes")

    orders = till.publish_suspect("s-wakes", 5)

    until(lambda: orders <= till.done(), "the suspect orders are done", 90, lambda: tenant.tell("wakes"))
    assert till.tiers(orders) == {"suspect"}
    assert tenant.condition("wakes", "Ready")["status"] == "True"
    assert len(_pods(tenant, "wakes")) == 1
    until(
        lambda: _asked(tenant, "wakes") == 0,
        "the lane has no pod any more",
        90,
        lambda: tenant.lane("wakes", "suspect"),
    )
    ledger = till.settled()
    assert ledger.done == orders
    assert (ledger.lost, ledger.doubled, ledger.copies) == (0, set(), set())


def test_a_drain_ends_when_suspect_orders_are_done_too(tenant: Tenant, web_shop: OpenWebShop) -> None:
    till = web_shop(tenant, "drains")
    till.behave("s-drains", latency={"p50_ms": 300})
    orders = till.publish_suspect("s-drains", 3) | till.publish("s-drains", 10)

    tenant.kubectl("delete", "mr", "drains", "--wait=false")

    _gone(tenant, "drains")
    ledger = till.ledger()
    assert ledger.done == orders
    assert (ledger.lost, ledger.doubled, ledger.copies) == (0, set(), set())
    assert set(tenant.queues("drains")) == {"dead"}


def test_force_tells_of_suspect_orders_too(tenant: Tenant, web_shop: OpenWebShop) -> None:
    till = web_shop(tenant, "goes")
    till.behave("s-goes", behaviour="hang")
    orders = till.publish_suspect("s-goes", 4) | till.publish("s-goes", 10)
    until(lambda: sum(tenant.queues("goes").values()) == len(orders), "the orders are queued", 30)

    tenant.kubectl("delete", "mr", "goes", "--wait=false")

    _gone(tenant, "goes")
    tenant.told("goes", "OrdersRemoved", f" {len(orders)} orders")
    assert tenant.queues("goes") == {}


def _asked(tenant: Tenant, name: str) -> int:
    (deployment,) = tenant.deployments(name, "suspect")
    return int(deployment["spec"].get("replicas", 0))


def _pods(tenant: Tenant, name: str) -> list[Json]:
    return [pod for pod in tenant.pods(name) if pod["metadata"]["labels"]["merchantroute.dev/lane"] == "suspect"]


def _gone(tenant: Tenant, name: str) -> None:
    until(lambda: tenant.route(name) is None, f"{name} is gone", 120, partial(tenant.tell, name))
    until(lambda: not tenant.pods(name), f"the pods of {name} are gone", 60)
    assert not tenant.deployments(name)
