"""`kubectl delete mr` with orders queued: what becomes of them under each policy, whatever the cascade.

All routes of this module live in one namespace and start together, since starting pods is most of the time.
"""

from functools import partial

import amqp
import pytest

from merchantroute_kit.waiting import until
from tests.e2e.conftest import OpenWebShop
from tests.e2e.routes import Json, route, tier
from tests.e2e.tenant import Tenant
from tests.e2e.web_shop import WebShop

BACKGROUND, FOREGROUND = "background", "foreground"
SOON = {"policy": "Drain", "timeout": "2s"}
DELETIONS: dict[str, Json] = {
    "drain": {"policy": "Drain", "deadLetters": "Retain"},
    "drain-delete": {"policy": "Drain", "deadLetters": "Delete"},
    "retain": {"policy": "Retain"},
    "retain-foreground": {"policy": "Retain"},
    "force": {"policy": "Force"},
    "force-foreground": {"policy": "Force"},
    "late-force": {**SOON, "onTimeout": "Force"},
    "late-retain": {**SOON, "onTimeout": "Retain"},
}


# An order on its way between two queues is in the statistics of both or of none: what is counted has to stand still.
STILL: Json = {"retry": {"maxAttempts": 8, "delays": ["10m"]}}


def _route(name: str) -> Json:
    return route(
        name,
        tiers=[tier("only", concurrency=10)],
        merchants={f"m-{name}": "only"},
        orders=STILL if name.startswith("force") else None,
        deletion=DELETIONS[name],
    )


@pytest.fixture(scope="module")
def tenant(module_tenant: Tenant) -> Tenant:
    """All the routes, Ready."""
    module_tenant.apply(*(_route(name) for name in DELETIONS))
    module_tenant.ready(*DELETIONS)
    return module_tenant


def _hold(tenant: Tenant, web_shop: OpenWebShop, name: str, number: int = 40) -> tuple[WebShop, set[str]]:
    """A shop whose merchant takes its time, and orders that wait for it."""
    till = web_shop(tenant, name)
    till.behave(f"m-{name}", behaviour="hang")
    return till, till.publish(f"m-{name}", number)


def test_drain_finishes_every_order_and_then_removes_the_queues(tenant: Tenant, web_shop: OpenWebShop) -> None:
    tills = {name: web_shop(tenant, name) for name in ("drain", "drain-delete")}
    orders = {}
    for name, till in tills.items():
        wrong = till.publish_malformed(f"m-{name}", 2)
        until(partial(wrong.keys().__le__, till.observed.dead.keys()), "malformed orders are dead letters")
        till.behave(f"m-{name}", latency={"p50_ms": 300})
        orders[name] = till.publish(f"m-{name}", 40)

    _delete(tenant, {"drain": BACKGROUND, "drain-delete": FOREGROUND})
    for name, till in tills.items():
        until(partial(tenant.is_shut, name), "the front door is closed", 30)
        assert not till.are_done(orders[name]), "it closes before the orders are done"
        _refuses(tenant, name)

    for name, till in tills.items():
        _gone(tenant, name)
        ledger = till.ledger()
        assert ledger.done == orders[name]
        assert (ledger.lost, ledger.doubled, ledger.copies) == (0, set(), set())
    assert tenant.queues("drain") == {"dead": 2}
    assert tenant.queues("drain-delete") == {}


def test_retain_leaves_orders_in_their_queues_and_a_route_of_that_name_adopts_them(
    tenant: Tenant, web_shop: OpenWebShop
) -> None:
    held = {name: _hold(tenant, web_shop, name) for name in ("retain", "retain-foreground")}
    _delete(tenant, {"retain": BACKGROUND, "retain-foreground": FOREGROUND})
    for name, (till, orders) in held.items():
        _gone(tenant, name)
        _refuses(tenant, name)
        _has_queued(tenant, name, orders)
        assert not till.done()
        till.behave(f"m-{name}", behaviour="normal")

    tenant.apply(*(_route(name) for name in held))
    for name, (till, orders) in held.items():
        ledger = till.settled()
        assert ledger.done == orders
        assert (ledger.lost, ledger.doubled) == (0, set())
        tenant.ready(name)


def test_force_removes_everything_and_tells_how_many_orders_went(tenant: Tenant, web_shop: OpenWebShop) -> None:
    held = {name: _hold(tenant, web_shop, name) for name in ("force", "force-foreground")}
    for name, (_, orders) in held.items():
        _has_queued(tenant, name, orders)
    _delete(tenant, {"force": BACKGROUND, "force-foreground": FOREGROUND})
    for name, (_, orders) in held.items():
        _gone(tenant, name)
        assert tenant.queues(name) == {}
        tenant.told(name, "OrdersRemoved", f"{len(orders)} orders")


def test_a_drain_that_cannot_end_in_time_goes_on_as_its_owner_wants(tenant: Tenant, web_shop: OpenWebShop) -> None:
    _hold(tenant, web_shop, "late-force")
    _, kept = _hold(tenant, web_shop, "late-retain")
    _delete(tenant, {"late-force": BACKGROUND, "late-retain": FOREGROUND})
    _gone(tenant, "late-force")
    assert tenant.queues("late-force") == {}
    _gone(tenant, "late-retain")
    _has_queued(tenant, "late-retain", kept)


def _delete(tenant: Tenant, cascades: dict[str, str]) -> None:
    for name, cascade in cascades.items():
        tenant.kubectl("delete", "mr", name, f"--cascade={cascade}", "--wait=false")


def _has_queued(tenant: Tenant, name: str, orders: set[str]) -> None:
    """The broker's figures are up to 5 s old."""
    until(partial(_are_queued, tenant, name, len(orders)), f"the orders of {name} are queued", 30)


def _are_queued(tenant: Tenant, name: str, number: int) -> bool:
    return sum(tenant.queues(name).values()) == number


def _gone(tenant: Tenant, name: str) -> None:
    until(lambda: tenant.route(name) is None, f"{name} is gone", 90, lambda: tenant.tell(name))
    until(lambda: not tenant.pods(name), f"the pods of {name} are gone", 60)
    assert not tenant.deployments(name)
    assert not tenant.configuration(name)
    assert tenant.is_shut(name)


def _refuses(tenant: Tenant, name: str) -> None:
    """Who publishes now is told: a producer that goes on would lose its orders silently otherwise."""
    vhost = tenant.vhost
    address = f"{vhost.host}:{vhost.port}"
    with amqp.Connection(
        address, vhost.username, vhost.password, "PLAIN", virtual_host=vhost.name, confirm_publish=True
    ) as connection:
        channel = connection.channel()
        with pytest.raises(amqp.NotFound, match="no exchange"):
            channel.basic_publish(amqp.Message("{}"), f"mr.{tenant.namespace}.{name}", "anybody", mandatory=True)
