"""A merchant with a queue of its own, while its tier has a canary: it moves to another tier, and the first one goes."""

from functools import partial
from typing import Any

import pytest

from merchantroute_kit.waiting import until
from tests.e2e.canaries import ONE_POD
from tests.e2e.conftest import OpenWebShop
from tests.e2e.own_queues import ROUTE, is_gone, is_open, own, stands, tell
from tests.e2e.routes import route, tier
from tests.e2e.tenant import Tenant
from tests.e2e.web_shop import WebShop

LEAVING, STAYING = "leaving", "staying"
HUNG, WELL = "moves-hung", "moves-well"
STEP = 180.0  # seconds; a bound, not a measure


@pytest.mark.extended  # each of the three alone in test_isolation, test_canary and test_changes
def test_an_isolated_merchant_moves_from_a_tier_that_goes_while_canaries_are_on(
    tenant: Tenant, web_shop: OpenWebShop
) -> None:
    _apply(tenant, [LEAVING, STAYING], hung=LEAVING, well=LEAVING)
    tenant.ready(ROUTE)
    until(partial(_parted, tenant, 2), "both tiers' canaries have half of the orders", STEP, partial(tell, tenant))
    till = web_shop(tenant, ROUTE)
    till.behave(HUNG, behaviour="hang")
    with till.stream([HUNG, WELL], rate=8):
        is_open(tenant, HUNG)
        assert own(tenant, HUNG)["tier"] == LEAVING

        _apply(tenant, [LEAVING, STAYING], hung=STAYING, well=LEAVING)
        until(partial(_moved, tenant), "its queue is the other tier's", STEP, partial(tell, tenant))
        _apply(tenant, [STAYING], hung=STAYING, well=STAYING)
        isolated = till.publish(HUNG, 20)
        until(lambda: not _left(tenant), f"nothing of {LEAVING} is left", STEP, partial(tell, tenant))
        assert stands(tenant, HUNG, "Open")
        tenant.ready(ROUTE)
        well = till.publish(WELL, 40)
        until(partial(till.are_done, well), "orders of the other merchant are done", STEP, partial(tell, tenant))
        assert _lanes(till, well) == {f"{STAYING}-stable", f"{STAYING}-canary"}
    till.behave(HUNG)

    ledger = till.settled(180)
    assert ledger.done == ledger.published
    assert (ledger.lost, ledger.doubled, ledger.copies) == (0, set(), set())
    assert _lanes(till, isolated) == {f"{STAYING}-stable"}
    is_gone(tenant, HUNG)
    after = till.publish(HUNG, 40)
    until(partial(till.are_done, after), "its orders take the tier's lanes again", STEP, partial(tell, tenant))
    assert _lanes(till, after) == {f"{STAYING}-stable", f"{STAYING}-canary"}


def _apply(tenant: Tenant, tiers: list[str], *, hung: str, well: str) -> None:
    canary = {"weight": 50, "scaling": ONE_POD}
    made = [{**tier(name), "canary": canary} for name in tiers]
    document = route(ROUTE, tiers=made, merchants={HUNG: hung, WELL: well})
    document["spec"]["defaultTier"] = STAYING
    tenant.apply(document)


def _parted(tenant: Tenant, number: int) -> bool:
    found = (tenant.route(ROUTE) or {}).get("status", {}).get("canaries", [])
    return [(each["phase"], each["weight"]) for each in found] == [("Fixed", 50)] * number


def _moved(tenant: Tenant) -> bool:
    found: dict[str, Any] = own(tenant, HUNG)
    return (found.get("tier"), found.get("stage")) == (STAYING, "Open") and tenant.is_ready(ROUTE)


def _left(tenant: Tenant) -> list[str]:
    """The queues and Deployments of the tier that goes."""
    queues = [name for name in tenant.queues(ROUTE) if name.startswith(f"{LEAVING}.")]
    return [*queues, *(each["metadata"]["name"] for each in tenant.deployments(ROUTE, LEAVING))]


def _lanes(till: WebShop, orders: set[str]) -> set[str]:
    """Whose pods did the orders; a pod's name holds its tier and lane."""
    pods = {till.observed.completions[order][0].pod for order in orders}
    return {pod.removeprefix(f"{ROUTE}-").rsplit("-", 3)[0] for pod in pods}
