"""What stands in a route's own list that no worker can call, since an older definition let it through, is named."""

from __future__ import annotations

import pytest

from merchantroute_operator.spec.merge import unfit_entries
from merchantroute_operator.spec.parse import parse
from merchantroute_operator.spec.route import Route
from tests.harness.endpoint_grammar import ACCEPTED, DOTS, REFUSED
from tests.unit.operator.operator_under_test import World
from tests.unit.operator.route_samples import raw_route


def entry(endpoint: str = "https://hut.example", merchant: str = "hut") -> dict[str, str]:
    return {"id": merchant, "tier": "standard", "endpoint": endpoint}


def parsed(entries: list[dict[str, str]], **orders: object) -> Route:
    raw = raw_route()
    raw["spec"]["merchants"] = entries
    raw["spec"]["orders"].update(orders)
    return parse(raw)


def test_a_list_that_is_as_it_should_be_names_nobody() -> None:
    entries = [entry(endpoint, f"m{number}") for number, endpoint in enumerate(ACCEPTED)]
    assert unfit_entries(parsed(entries)) == {}


@pytest.mark.parametrize(("endpoint", "word"), REFUSED)
def test_an_endpoint_that_is_none_is_named_with_the_mend(endpoint: str, word: str) -> None:
    found = unfit_entries(parsed([entry(endpoint), entry("https://good.example", "good")]))
    assert found.keys() == {"merchant hut"}
    assert word in found["merchant hut"]
    assert "hunter2" not in found["merchant hut"]


@pytest.mark.parametrize("merchant", DOTS)
def test_an_id_that_no_order_can_have_is_named(merchant: str) -> None:
    assert "stands for another place" in unfit_entries(parsed([entry(merchant=merchant)]))[f"merchant {merchant}"]


def test_http_is_named_only_where_the_route_does_not_allow_it() -> None:
    assert "allowInsecure: true" in unfit_entries(parsed([entry("http://hut.example")]))["merchant hut"]
    assert unfit_entries(parsed([entry("http://hut.example")], allowInsecure=True)) == {}


def test_http_is_not_named_at_the_hosts_that_the_route_names() -> None:
    raw = raw_route()
    raw["spec"]["merchants"] = [
        entry("http://hut.kitchen.svc:8080/v1"),
        entry("http://HUT.kitchen.svc./v1", "dot"),
        entry("http://hut.example", "no"),
    ]
    raw["spec"]["egress"] = {"insecureHosts": ["*.Kitchen.svc"]}

    found = unfit_entries(parse(raw))

    assert found.keys() == {"merchant no"}
    assert "spec.egress.insecureHosts" in found["merchant no"]


def test_the_route_says_so_and_the_other_merchants_orders_flow() -> None:
    world = World(raw_route(merchants={"good": "standard"}, defaultEndpoint="https://127.1/{merchant}"))
    world.kube.stored["spec"]["merchants"].append(entry("https://[1]/"))  # type: ignore[index]
    world.look()
    world.start_pods()
    for _ in range(3):
        world.pulse("pod-1", world.kube.status["configGeneration"])
        world.look()
    status, reason, message = world.condition()
    assert (status, reason) == ("False", "MerchantsUnfit")
    assert message.startswith("merchant hut: https://[1]/ is no address")
    assert "spec.defaultEndpoint: https://127.1/{merchant} is no address: its host ends in a number" in message
    assert world.bound()["good"] == "mr.orders.pos.standard"
