"""Many Merchant objects applied while the operator runs: 150 by `make test-all`, 5,000 by `make e2e-merchants`.

The figures go to build/merchants.json.
"""

import json
import logging
import os
import time
from functools import partial

import pytest

from merchantroute_kit.servers.hack import ROOT
from merchantroute_kit.waiting import until
from tests.e2e.conftest import OpenWebShop
from tests.e2e.installation import ROUTES, Installation, Json
from tests.e2e.routes import route, tier
from tests.e2e.tenant import Tenant
from tests.e2e.test_merchants import an_object, is_in
from tests.harness.many import apply_many

logger = logging.getLogger(__name__)
MERCHANTS = int(os.environ.get("MR_MERCHANTS", "150"))
WITHIN = 60.0 + MERCHANTS / 5  # seconds; ten times what the operator's pace asks for
METRICS = "api/v1/namespaces/merchantroute-system/services/merchantroute-operator-metrics:9090/proxy/metrics"
QUIET = 20.0  # seconds without a change after which all passes about the merchants have ended


@pytest.mark.extended  # one object at a time in test_merchants, more than a page of them in tests/contract/kube
def test_merchants_by_the_thousand_are_all_bound_and_told_and_orders_flow_meanwhile(
    tenant: Tenant, web_shop: OpenWebShop
) -> None:
    tenant.apply(route("pos", tiers=[tier("standard"), tier("enterprise")], merchants={"first": "standard"}))
    tenant.ready("pos")
    till = web_shop(tenant, "pos")
    installation, begun, cpu = (
        tenant.installation,
        time.monotonic(),
        figure(tenant.installation, "process_cpu_seconds_total"),
    )
    with till.stream(["first"], 5.0):
        tiers = ("standard", "enterprise")
        apply_many(
            installation.kubectl, tenant.namespace, [an_object(f"m-{n:04}", tiers[n % 2]) for n in range(MERCHANTS)]
        )
        applied = time.monotonic() - begun
        until(lambda: active(tenant) == MERCHANTS, "every merchant is active", WITHIN, interval=MERCHANTS / 1000)
    told = time.monotonic() - begun
    spent = figure(installation, "process_cpu_seconds_total") - cpu
    assert bound(tenant) == {"standard": MERCHANTS // 2 + 1, "enterprise": MERCHANTS // 2}
    tenant.ready("pos")

    last = f"m-{MERCHANTS - 1:04}"
    began = time.monotonic()
    tenant.apply(an_object(last, "standard"))
    until(partial(is_in, tenant, last, "Active", "standard"), f"{last} has moved", 120)
    moved = time.monotonic() - began
    orders = till.publish("m-0000", 5) | till.publish("m-0001", 5) | till.publish(last, 5)
    until(partial(till.are_done, orders), "orders of the first, the second and the last are done")
    assert till.tiers(till.of("m-0001")) == {"enterprise"}
    assert till.tiers(till.of("m-0000") | till.of(last)) == {"standard"}
    books = till.settled()
    assert (books.lost, len(books.doubled), len(books.dead)) == (0, 0, 0), books.line()

    versions = resource_versions(tenant)
    before, began = figure(installation, "process_cpu_seconds_total"), time.monotonic()
    until(lambda: time.monotonic() - began > QUIET, "some time has passed", QUIET + 10)
    idle = (figure(installation, "process_cpu_seconds_total") - before) / (time.monotonic() - began)
    assert resource_versions(tenant) == versions
    figures = {
        "merchants": MERCHANTS,
        "applied_s": round(applied, 1),
        "all_active_s": round(told, 1),
        "one_moved_s": round(moved, 1),
        "operator_cpu_s": round(spent, 1),
        "operator_idle_cores": round(idle, 3),
        "operator_memory_mb": round(figure(installation, "process_resident_memory_bytes") / 1e6),
        "ledger": books.line(),
    }
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "merchants.json").write_text(json.dumps(figures, indent=2) + "\n")
    logger.info("%s", figures)


def figure(installation: Installation, name: str) -> float:
    """A figure of the operator's own metrics."""
    lines = (installation.text(METRICS) or "").splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


def merchants(tenant: Tenant) -> list[Json]:
    return tenant.installation.items(f"{ROUTES}/namespaces/{tenant.namespace}/merchants?resourceVersion=0")


def active(tenant: Tenant) -> int:
    """How many say that their orders go where their spec says."""
    found = merchants(tenant)
    return sum(
        each.get("status", {}).get("state") == "Active" and each["status"].get("tier") == each["spec"]["tier"]
        for each in found
    )


def resource_versions(tenant: Tenant) -> dict[str, str]:
    return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in merchants(tenant)}


def bound(tenant: Tenant) -> dict[str, int]:
    """How many merchants lead to each tier, by the broker's own word."""
    door = f"mr.{tenant.namespace}.pos"
    found = tenant.rabbit("GET", f"exchanges/{{vhost}}/{door}.assigned/bindings/source")
    ends = [binding["destination"].removeprefix(f"{door}.") for binding in found]
    return {name: ends.count(name) for name in set(ends)}
