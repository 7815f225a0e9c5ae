"""Two merchants behind one endpoint that honours idempotency keys, in a process patched as production is."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from merchantroute_kit.servers.merchant_sim import MerchantSim
from merchantroute_worker.calls.attempt import call_within
from merchantroute_worker.calls.http_client import HttpClient
from merchantroute_worker.calls.request import build
from merchantroute_worker.orders import decisions, envelope
from merchantroute_worker.orders.decisions import Run
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.route import Route, parse
from merchantroute_worker.orders.steps.step import Step
from tests.unit.worker.samples import INDEX, ROUTE
from tests.worker.patched.raw_merchant import HERE

SUBMIT = Step(name="submit", method="POST", path="/orders")


@pytest.fixture
def sim(tmp_path: Path) -> Iterator[MerchantSim]:
    running = MerchantSim(tmp_path / "sim.log")
    yield running
    running.close()


def of_merchants(endpoints: dict[str, str]) -> Route:
    """A route with these merchants, each at its endpoint."""
    merchants = {"merchants": {each: {"tier": "standard", "endpoint": url} for each, url in endpoints.items()}}
    return parse(index=INDEX, route={**ROUTE, "allowInsecure": True}, merchants=[merchants], credentials=[])


def order_1001(merchant: str, content: dict[str, Any]) -> Order:
    body = json.dumps([[], {"order": {"id": "1001", "merchant": "gateway", **content}}, {}]).encode()
    return envelope.read(body=body, headers={}, correlation_id="1001", routing_key=merchant)


def submitted(client: HttpClient, order: Order, route: Route) -> int | None:
    """The status that the merchant answers the order's step with."""
    run = decisions.before_slot(order, {}, route, now=2_000.0, unknown_after=300.0)
    assert isinstance(run, Run)
    request = build(SUBMIT, run.order, run.merchant, attempt=1, insecure_hosts=("*",), egress=HERE)
    return call_within(client, request, 10.0).status


def test_orders_of_one_id_are_both_taken_and_a_repeat_of_one_is_known_as_such(
    sim: MerchantSim, client: HttpClient
) -> None:
    route = of_merchants({"bistro": sim.endpoint("gateway"), "tavern": sim.endpoint("gateway")})
    soup = order_1001("bistro", {"items": [{"name": "soup", "quantity": 1, "unit_price": 500}], "total": 500})
    stew = order_1001("tavern", {"items": [{"name": "stew", "quantity": 2, "unit_price": 700}], "total": 1400})

    assert [submitted(client, order, route) for order in (soup, stew, soup)] == [201, 201, 201]
    effects = {order: steps["submit"]["effects"] for order, steps in sim.receipts("").items()}
    # Effects are counted by what an order's content says, receipts by its key.
    assert effects == {"1001": 2, "bistro/1001": 0, "tavern/1001": 0}
