"""From a former version to this one and back, operator and workers each, with orders in flight all the time.

The versions are those of hack/former-versions; the table goes to build/upgrade.json.
"""

import json
import logging
import os
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from merchantroute_kit.servers.hack import ROOT
from merchantroute_kit.waiting import until
from tests.e2e.changes.site import ROUTE, Site, tier_of
from tests.e2e.conftest import OpenWebShop
from tests.e2e.installing.fresh import Fresh
from tests.e2e.installing.steps import Step, taken
from tests.e2e.installing.versions import Former, Version, built, formers
from tests.e2e.routes import route, tier
from tests.e2e.tenant import Tenant

logger = logging.getLogger(__name__)
TABLE = ROOT / "build" / "upgrade.json"
RATE = float(os.environ.get("MR_RATE", "40"))
WARM = 200
EGRESS = {"allow": ["merchant-sim.merchants.svc"]}
# By merchant: its tier, and how it behaves. Some orders are worked, some wait for a retry, at every moment.
MERCHANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "at-once": ("standard", {}),
    "slow": ("standard", {"latency": {"p50_ms": 400}}),
    "refusing": ("standard", {"error_rate": 0.3}),
    "small": ("small", {}),
}


@pytest.fixture(scope="module")
def table() -> Iterator[list[dict[str, Any]]]:
    """The table, written when all upgrades were made."""
    rows: list[dict[str, Any]] = []
    yield rows
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(json.dumps(rows, indent=2) + "\n")


@pytest.mark.extended  # tests/unit/operator/resources/test_upgrade.py shows whether pods are replaced
@pytest.mark.parametrize("former", formers(), ids=lambda former: former.name)
def test_every_order_is_done_once_through_an_upgrade_and_the_way_back(
    former: Former, fresh: Fresh, newest: Version, tenant: Tenant, web_shop: OpenWebShop, table: list[dict[str, Any]]
) -> None:
    old = built(former.commit)
    fresh.load(old)
    fresh.install(old)
    document = _document(old)
    tenant.apply(document, server_side=False)
    tenant.ready(ROUTE, within=180)
    site = Site(tenant, web_shop(tenant, ROUTE), document)
    for merchant, (_, behaviour) in MERCHANTS.items():
        site.web_shop.behave(merchant, **behaviour)
    with site.web_shop.stream(list(MERCHANTS), rate=RATE):
        until(lambda: len(site.web_shop.done()) > WARM, "orders flow")
        steps = _there_and_back(fresh, site, old, newest, by_operator=int(former.replaced))
    ledger = site.web_shop.settled(180)

    table.append({"from": former.name, "steps": [step.document() for step in steps], "ledger": ledger.line()})
    logger.info("%s", json.dumps(table[-1], indent=2))
    assert (ledger.done, ledger.lost, ledger.doubled, ledger.copies) == (ledger.published, 0, set(), set())
    assert all(step.in_flight for step in steps)
    kept = [step for step in steps if not any(step.rollouts.values())]
    assert len(kept) == (0 if former.replaced else 2)
    assert all(step.pods_replaced == 0 for step in kept), kept


def _there_and_back(fresh: Fresh, site: Site, old: Version, new: Version, *, by_operator: int) -> list[Step]:
    """The order of docs/upgrading.md: the operator first; and back: the workers first."""
    return [
        taken("operator, forward", site, partial(_operator, fresh, site, new, egress=EGRESS), by_operator),
        taken("workers, forward", site, partial(_workers, site, new), 1),
        taken("workers, back", site, partial(_workers_back, site, old), 1),
        taken("operator, back", site, partial(_operator, fresh, site, old), by_operator),
    ]


def _operator(fresh: Fresh, site: Site, version: Version, egress: dict[str, Any] | None = None) -> None:
    """Install it; and once no other one is left, a change of the route that pods load shows that it works on it.

    What the route says of ``egress`` only this version's definitions know, and its workers need.
    """
    fresh.install(version)
    until(lambda: set(fresh.operators().values()) == {version.operator}, "no operator of another version is left", 120)
    slots = tier_of(site.document["spec"], "standard")["concurrency"]

    def change(spec: dict[str, Any]) -> None:
        tier_of(spec, "standard").update(concurrency=31 - slots)
        spec.pop("egress", None)
        spec.pop("isolation", None)
        spec.update({"egress": egress} if egress else {})

    site.apply(change)
    site.knows("standard")


def _workers(site: Site, version: Version) -> None:
    site.apply(lambda spec: spec["worker"].update(image=version.worker))


def _workers_back(site: Site, version: Version) -> None:
    """Older workers consume no own queues: none may be left with orders."""
    site.apply(lambda spec: spec.update(isolation={"mode": "Off"}))
    site.until(lambda: not any(name.startswith("own.") for name in site.tenant.queues(ROUTE)), "no own queue is left")
    _workers(site, version)


def _document(version: Version) -> dict[str, Any]:
    """A route of two tiers, one of which has two pods, whose orders are tried until they are done."""
    document = route(
        ROUTE,
        tiers=[tier("standard", concurrency=15, minReplicas=2, maxReplicas=2), tier("small")],
        merchants={merchant: of for merchant, (of, _) in MERCHANTS.items()},
        worker={"image": version.worker},
        orders={"retry": {"maxAttempts": 50, "delays": ["500ms", "1s"]}},
    )
    del document["spec"]["egress"]
    return document
