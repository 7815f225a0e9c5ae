"""Everything about a route is changed while orders flow: nothing is lost, doubled or dead.

A few of the changes in every run; MR_CHANGES=all makes all of them, and build/changes.json of it.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.changes.catalogue import CHANGES, IN_EVERY_RUN, before
from tests.e2e.changes.live import seconds_until_loaded, summary
from tests.e2e.changes.measure import MERCHANTS, Row, measured
from tests.e2e.changes.site import ROUTE, Site
from tests.e2e.conftest import OpenWebShop
from tests.e2e.tenant import Tenant

ALL = os.environ.get("MR_CHANGES") == "all"
RATE = float(os.environ.get("MR_RATE", "100" if ALL else "12"))
BUILD = Path(__file__).resolve().parents[2] / "build"
TABLE, LIVE = BUILD / "changes.json", BUILD / "live-changes.json"


@pytest.fixture(scope="module")
def rows() -> Iterator[list[Row]]:
    """The table, written when all changes were asked for."""
    table: list[Row] = []
    yield table
    if ALL:
        BUILD.mkdir(exist_ok=True)
        TABLE.write_text(json.dumps([row.document() for row in table], indent=2) + "\n")


@pytest.mark.parametrize("name", CHANGES if ALL else IN_EVERY_RUN)
def test_orders_flow_through_a_change(
    name: str, tenant: Tenant, web_shop: OpenWebShop, rows: list[Row], record_property: Callable[[str, object], None]
) -> None:
    document = before()
    tenant.apply(document, server_side=False)
    tenant.ready(ROUTE)

    row = measured(name, CHANGES[name], Site(tenant, web_shop(tenant, ROUTE), document), RATE)

    rows.append(row)
    record_property("row", row.document())
    assert row.is_clean(), row


@pytest.mark.extended  # test_orders_flow shows it, without the figures
def test_changes_reach_running_pods_while_orders_flow(tenant: Tenant, web_shop: OpenWebShop) -> None:
    document = before()
    tenant.apply(document, server_side=False)
    tenant.ready(ROUTE)
    site = Site(tenant, web_shop(tenant, ROUTE), document)
    pods = site.names()
    with site.web_shop.stream(MERCHANTS, rate=RATE):
        took = seconds_until_loaded(site, 60 if ALL else 3)

    ledger = site.web_shop.settled()
    assert (ledger.done, ledger.lost, ledger.doubled) == (ledger.published, 0, set())
    assert site.names() == pods, "a change that pods can load replaces none"
    if ALL:
        LIVE.write_text(json.dumps(summary(took), indent=2) + "\n")
