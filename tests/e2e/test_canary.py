"""A canary under load: legacy pods beside gevent ones, orders diverted by percent, and switched back by hand.

The shop's books say that no step costs an order or makes it twice. 5, 50, 100 and 0 percent under a higher rate are
among the changes of `make e2e-changes`.
"""

from functools import partial

from merchantroute_kit.waiting import until
from tests.e2e.canaries import (
    ONE_POD,
    ROUTE,
    STARTS,
    TURNS,
    annotate,
    has_pods,
    is_told,
    lanes_of,
    parts,
    queued,
    reaches,
)
from tests.e2e.conftest import OpenWebShop
from tests.e2e.routes import Json, route, tier
from tests.e2e.tenant import Tenant
from tests.e2e.web_shop import WebShop

LEGACY = {"pool": "prefork", "concurrency": 3, "scaling": ONE_POD}
WOVEN = {"pool": "threads", "concurrency": 3, "scaling": ONE_POD}
MERCHANTS = {"beside-a": "standard", "beside-b": "standard"}


def test_a_legacy_pool_is_given_half_of_the_orders_then_none_and_is_promoted(
    tenant: Tenant, web_shop: OpenWebShop
) -> None:
    _apply(tenant, None)
    tenant.ready(ROUTE)
    till = web_shop(tenant, ROUTE)
    with till.stream(list(MERCHANTS), rate=20):
        until(till.done, "orders flow")
        for weight in (50, 0):
            _apply(tenant, {**LEGACY, "weight": weight})
            reaches(tenant, "Fixed", weight)
            shares = {"stable": 100 - weight, "canary": weight} if weight else {}
            assert parts(tenant) == {lane: share for lane, share in shares.items() if share}
            _lanes_meet(till, weight)
        annotate(tenant, "promote")
        reaches(tenant, "Promoted", 100)
        is_told(tenant)
        _lanes_meet(till, 100)

    _is_whole(till)
    tenant.told(ROUTE, "CanaryPromoted")


def test_an_aborted_canary_gets_nothing_and_the_stable_lane_works_off_what_it_held(
    tenant: Tenant, web_shop: OpenWebShop
) -> None:
    """Its three slots are fewer than half of the orders need, so that a backlog is there to be moved."""
    _apply(tenant, {**WOVEN, "weight": 50})
    reaches(tenant, "Fixed", 50)
    tenant.ready(ROUTE)
    till = web_shop(tenant, ROUTE)
    for merchant in MERCHANTS:
        till.behave(merchant, latency={"p50_ms": 600})
    with till.stream(list(MERCHANTS), rate=8):
        until(lambda: queued(tenant) >= 5, "the canary has a backlog", TURNS, lambda: tenant.queues(ROUTE))
        annotate(tenant, "abort")
        reaches(tenant, "Aborted", 0)
        assert parts(tenant) == {}
        for merchant in MERCHANTS:
            till.behave(merchant)
        fresh = till.publish("beside-b", 20)
        until(partial(till.are_done, fresh), "orders are done")
        assert set(lanes_of(till, fresh)) == {"stable"}
        is_told(tenant)
        until(lambda: not has_pods(tenant), "the canary's Deployment is gone", STARTS)

    _is_whole(till)
    tenant.told(ROUTE, "by annotation, at 50 % of the orders")
    # The management API's figures are up to 5 s old.
    until(lambda: not queued(tenant), "the canary's queue is empty", TURNS, lambda: tenant.queues(ROUTE))


def _apply(tenant: Tenant, canary: Json | None) -> None:
    only = {**tier("standard", concurrency=40), **({"canary": canary} if canary is not None else {})}
    tenant.apply(route(ROUTE, tiers=[only], merchants=MERCHANTS))


def _lanes_meet(till: WebShop, weight: int) -> None:
    """Orders published now are done by the lanes that the weight names."""
    fresh = till.publish("beside-a", 100)
    until(partial(till.are_done, fresh), f"orders are done at {weight} %", TURNS)
    lanes = lanes_of(till, fresh)
    if weight in (0, 100):
        assert set(lanes) == {"canary" if weight else "stable"}
    elif weight == 50:
        assert 20 < lanes["canary"] < 80  # six standard deviations


def _is_whole(till: WebShop) -> None:
    """Nothing lost, nothing doubled, nothing dead."""
    ledger = till.settled()
    assert ledger.done == ledger.published
    assert (ledger.lost, ledger.doubled, dict(ledger.reasons)) == (0, set(), {})
