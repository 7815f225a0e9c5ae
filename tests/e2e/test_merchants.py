"""Merchant objects as their teams keep them: orders flow, a move loses none, a conflict is shown on both sides."""

import logging
from functools import partial

from merchantroute_kit.waiting import until
from tests.e2e.conftest import OpenWebShop
from tests.e2e.installation import ROUTES
from tests.e2e.routes import Json, merchant, route, tier
from tests.e2e.tenant import Tenant

logger = logging.getLogger(__name__)
RATE = 20.0  # orders a second
TIERS = (tier("standard"), tier("enterprise"))


def an_object(name: str, of: str, *, merchant_id: str = "") -> Json:
    spec = {**merchant(merchant_id or name, of), "routeRef": {"name": "pos"}}
    if not merchant_id:
        del spec["id"]
    return {"apiVersion": "merchantroute.dev/v1alpha1", "kind": "Merchant", "metadata": {"name": name}, "spec": spec}


def status(tenant: Tenant, name: str) -> Json:
    found = tenant.installation.get(f"{ROUTES}/namespaces/{tenant.namespace}/merchants/{name}")
    return (found or {}).get("status", {})


def is_in(tenant: Tenant, name: str, state: str, of: str | None) -> bool:
    found = status(tenant, name)
    return (found.get("state"), found.get("tier")) == (state, of)


def test_a_teams_merchant_has_its_orders_called_and_is_shown_by_kubectl(tenant: Tenant, web_shop: OpenWebShop) -> None:
    tenant.apply(route("pos", tiers=TIERS), an_object("taco-town", "enterprise"))
    tenant.ready("pos")
    until(lambda: is_in(tenant, "taco-town", "Active", "enterprise"), "taco-town is active", 120)
    till = web_shop(tenant, "pos")
    orders = till.publish("taco-town", 10)
    until(lambda: till.are_done(orders), "its orders are done")
    assert till.tiers(orders) == {"enterprise"}
    head, row = tenant.kubectl("get", "merchants").splitlines()
    assert head.split() == ["NAME", "TIER", "STATE", "SINCE", "REASON", "ISOLATED", "WAITING", "SHARE", "AGE"]
    assert row.split()[:3] == ["taco-town", "enterprise", "Active"]


def test_a_merchant_is_moved_to_and_fro_under_load_with_no_order_lost_or_doubled(
    tenant: Tenant, web_shop: OpenWebShop
) -> None:
    tenant.apply(route("pos", tiers=TIERS), an_object("taco-town", "standard"), an_object("stay-put", "standard"))
    tenant.ready("pos")
    until(lambda: is_in(tenant, "taco-town", "Active", "standard"), "taco-town is active", 120)
    till = web_shop(tenant, "pos")
    with till.stream(["taco-town", "stay-put"], RATE):
        for of in ("enterprise", "standard", "enterprise"):
            tenant.apply(an_object("taco-town", of))
            until(partial(is_in, tenant, "taco-town", "Active", of), f"taco-town has moved to {of}", 120)
            moved = till.publish("taco-town", 5)
            until(partial(till.are_done, moved), f"its orders are done in {of}")
            assert till.tiers(moved) == {of}
    books = till.settled()
    logger.info("moved three times: %s", books.line())
    assert (books.lost, len(books.doubled), len(books.copies), len(books.dead)) == (0, 0, 0, 0), books.line()
    assert books.done == books.published
    assert till.tiers(till.of("taco-town")) == {"standard", "enterprise"}
    assert till.tiers(till.of("stay-put")) == {"standard"}


def test_a_conflict_with_the_routes_own_list_is_shown_on_both(tenant: Tenant) -> None:
    tenant.apply(route("pos", tiers=TIERS, merchants={"burger-hut": "enterprise"}))
    tenant.apply(an_object("team-burger", "standard", merchant_id="burger-hut"))
    until(lambda: is_in(tenant, "team-burger", "Refused", None), "team-burger is refused", 120)
    assert status(tenant, "team-burger")["reason"] == "Conflicted"
    until(lambda: tenant.condition("pos", "Conflicted").get("status") == "True", "the route says so too")
    assert "team-burger" in tenant.condition("pos", "Conflicted")["message"]
    tenant.ready("pos")

    tenant.apply(route("pos", tiers=TIERS))
    until(lambda: is_in(tenant, "team-burger", "Active", "standard"), "the object counts once the entry is gone", 120)
    until(lambda: tenant.condition("pos", "Conflicted").get("status") == "False", "the conflict is over")
