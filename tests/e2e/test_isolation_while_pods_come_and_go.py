"""A flood, a merchant that hangs and one with a limit, while pods come and go and operators are killed.

The bounds of the tier bring its pods from 1 to 5, to none and to 3. At each step the operator is killed as soon as it
has asked for the pods, so that the next one divides the own queues among pods that it did not see come.
"""

from functools import partial

import pytest

from merchantroute_kit.waiting import until
from tests.e2e import operator_pods
from tests.e2e.conftest import OpenWebShop
from tests.e2e.own_queues import ROUTE, is_gone, is_open, own, tell
from tests.e2e.routes import Json, merchant, route, tier
from tests.e2e.tenant import Tenant
from tests.e2e.web_shop import WebShop

SLOTS, LIMIT = 10, 4
HUNG, WELL, FLOOD, LIMITED = "goes-hung", "goes-well", "goes-flood", "goes-limited"
STANDARD, NOT_YET = "merchantroute.dev/tier=standard", {"ready": False}
STEP = 120.0  # seconds; a bound, not a measure


@pytest.mark.extended  # test_isolation kills operators and holds limits; random histories of pods are unit tests
def test_orders_are_done_once_and_a_limit_holds_while_pods_come_and_go_and_operators_are_killed(
    tenant: Tenant, web_shop: OpenWebShop
) -> None:
    tenant.apply(_with_pods(1))
    tenant.ready(ROUTE)
    is_open(tenant, LIMITED)
    till = web_shop(tenant, ROUTE)
    till.behave(HUNG, behaviour="hang")
    till.behave(FLOOD, latency={"p50_ms": 150, "p99_ms": 150})
    till.behave(LIMITED, latency={"p50_ms": 400, "p99_ms": 400})
    with till.stream([HUNG, WELL, LIMITED], rate=9):
        till.publish(LIMITED, 40)
        till.publish(FLOOD, 1500)
        until(partial(own, tenant, HUNG), f"{HUNG} is to have a queue of its own", STEP, partial(tell, tenant))
        operator_pods.kill(tenant.installation)
        is_open(tenant, HUNG)
        is_open(tenant, FLOOD)
        _others_are_served(tenant, till)
        for pods in (5, 0, 3):
            _goes_to(tenant, pods)
            if pods:
                _others_are_served(tenant, till)
    till.behave(HUNG)

    ledger = till.settled(180)
    assert ledger.done == ledger.published
    assert (ledger.lost, ledger.doubled, ledger.copies) == (0, set(), set())
    assert LIMIT <= till.most_at_once(LIMITED) <= LIMIT + 1
    is_gone(tenant, FLOOD)


def _with_pods(number: int) -> Json:
    standard = {
        **tier("standard", concurrency=SLOTS, minReplicas=number, maxReplicas=number),
        "maxInFlightPerMerchant": SLOTS // 2,
    }
    merchants = [
        *(merchant(each, "standard") for each in (HUNG, WELL, FLOOD)),
        merchant(LIMITED, "standard", limits={"maxInFlight": LIMIT}),
    ]
    return route(ROUTE, tiers=[standard], merchants=merchants)


def _goes_to(tenant: Tenant, pods: int) -> None:
    """Kill the operator when it has asked for so many pods, and wait until there are so many, and ready."""
    tenant.apply(_with_pods(pods))
    until(partial(_asks_for, tenant, pods), f"{pods} pods are asked for", STEP, partial(tell, tenant))
    operator_pods.kill(tenant.installation)
    until(partial(_has, tenant, pods), f"there are {pods} pods, all ready", STEP, partial(tell, tenant))


def _asks_for(tenant: Tenant, pods: int) -> bool:
    (deployment,) = tenant.deployments(ROUTE, "standard")
    return bool(deployment["spec"]["replicas"] == pods)


def _has(tenant: Tenant, pods: int) -> bool:
    found = tenant.installation.items(f"api/v1/namespaces/{tenant.namespace}/pods?labelSelector={STANDARD}")
    ready = [all(each["ready"] for each in pod["status"].get("containerStatuses") or [NOT_YET]) for pod in found]
    return len(ready) == pods and all(ready)


def _others_are_served(tenant: Tenant, till: WebShop) -> None:
    fresh = till.publish(WELL, 20)
    until(partial(till.are_done, fresh), "orders of the merchant that is well are done", STEP, partial(tell, tenant))
