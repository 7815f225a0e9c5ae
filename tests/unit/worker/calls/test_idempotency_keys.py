"""Idempotency keys: no two orders have one where their requests go to one URL, and an order's own never changes."""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchantroute_worker.calls.request import build
from merchantroute_worker.orders import decisions
from merchantroute_worker.orders.decisions import Run
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.outcome import ToDead, ToLadder
from merchantroute_worker.orders.route import Route, parse
from merchantroute_worker.orders.steps.step import Step
from tests.unit.worker.samples import INDEX, ROUTE, order

GATEWAY = "https://gateway.example/pos"
OWN = "https://bistro.example"
SUBMIT = Step(name="submit", method="POST", path="/orders")
IDS = st.text(st.sampled_from("ab/%:.~ü 1"), min_size=1, max_size=6).filter(lambda text: text not in {".", ".."})


def route(endpoints: dict[str, str], default: str | None = None) -> Route:
    merchants = {"v": 1, "merchants": {each: {"tier": "standard", "endpoint": url} for each, url in endpoints.items()}}
    document = {**ROUTE, "defaultEndpoint": default}
    return parse(index=INDEX, route=document, merchants=[merchants], credentials=[])


def run(one: Order, of: Route) -> Run:
    decision = decisions.before_slot(one, {}, of, now=2_000.0, unknown_after=300.0)
    assert isinstance(decision, Run)
    return decision


def key(made: Run, step: Step = SUBMIT) -> str:
    head = build(step, made.order, made.merchant, attempt=1, insecure_hosts=()).head.decode("latin-1")
    (line,) = (line for line in head.split("\r\n") if line.startswith("Idempotency-Key: "))
    return line.removeprefix("Idempotency-Key: ")


def of_bistro(endpoints: dict[str, str], default: str | None = None, step: Step = SUBMIT, **journal: Any) -> str:
    return key(run(order(**journal), route(endpoints, default)), step)


@pytest.mark.parametrize(
    ("endpoints", "default", "named"),
    [
        ({"bistro": OWN}, None, False),
        ({"bistro": OWN, "tavern": "https://tavern.example"}, None, False),
        ({"bistro": GATEWAY, "tavern": GATEWAY}, None, True),
        ({"bistro": GATEWAY, "tavern": "HTTPS://Gateway.Example:443/pos/"}, None, True),
        ({"bistro": GATEWAY, "tavern": "https://gateway.example./pos"}, None, True),
        ({"bistro": GATEWAY, "tavern": "https://gateway.example/v1/%2e./pos/."}, None, True),
        ({"bistro": GATEWAY, "tavern": "https://gateway.example/POS"}, None, False),
        ({"bistro": GATEWAY}, GATEWAY, True),
        ({}, GATEWAY, True),
        ({}, "https://gateway.example/{merchant}", False),
        ({"bistro": OWN, "tavern": GATEWAY}, GATEWAY, False),
    ],
)
def test_a_key_names_the_merchant_where_others_have_its_endpoint(
    endpoints: dict[str, str], default: str | None, named: bool
) -> None:
    assert of_bistro(endpoints, default) == ("bistro/o-1:submit" if named else "o-1:submit")


def test_a_step_whose_path_names_the_merchant_needs_no_more() -> None:
    step = Step(name="submit", method="POST", path="/{merchant}/orders")

    assert of_bistro({"bistro": GATEWAY, "tavern": GATEWAY}, step=step) == "o-1:submit"


@pytest.mark.parametrize("shared", [True, False])
def test_a_key_stays_as_it_was_when_a_merchant_comes_or_goes(shared: bool) -> None:
    alone, both = route({"bistro": GATEWAY}), route({"bistro": GATEWAY, "tavern": GATEWAY})
    then, later = (both, alone) if shared else (alone, both)
    first = run(order(), then)
    journal = replace(first.order.journal, attempts=1).as_json(then.steps)

    again = run(order(journal=journal), later)

    assert key(again) == key(first)
    assert journal.get("merchantInKey", False) is shared


def test_orders_that_wait_before_their_first_call_keep_it_too() -> None:
    both = route({"bistro": GATEWAY, "tavern": GATEWAY})
    waiting = decisions.refused(run(order(), both).order, both, "slow").order
    journal = waiting.journal.as_json(both.steps)

    assert key(run(order(journal=journal), route({"bistro": GATEWAY}))) == "bistro/o-1:submit"


@given(st.lists(st.tuples(IDS, IDS), min_size=2, max_size=2, unique=True))
def test_two_orders_behind_one_endpoint_never_have_one_key(orders: list[tuple[str, str]]) -> None:
    shared = route({}, GATEWAY)
    keys = [key(run(replace(order(merchant=merchant), id=order_id), shared)) for merchant, order_id in orders]

    assert keys[0] != keys[1]
    assert keys[0].startswith(quote(orders[0][0], safe="") + "/")


def test_who_was_never_called_gets_the_form_of_now_however_it_waited() -> None:
    """Published before its merchant was in this pod's configuration, or dead of its age and replayed."""
    both = route({"bistro": GATEWAY, "tavern": GATEWAY})
    early = decisions.before_slot(order(), {}, route({}), now=2_000.0, unknown_after=300.0)
    assert isinstance(early, ToLadder)
    late = decisions.before_slot(order(headers={"mr-published-at": 1}), {}, both, now=1e9, unknown_after=300.0)
    assert isinstance(late, ToDead)

    for waited in (early.order, late.order):
        assert key(run(order(journal=waited.journal.as_json(both.steps)), both)) == "bistro/o-1:submit"


def test_an_order_that_another_pod_may_have_called_keeps_the_form_that_this_one_had() -> None:
    both = route({"bistro": GATEWAY, "tavern": GATEWAY})
    again = decisions.before_slot(order(), {}, both, now=2_000.0, unknown_after=300.0, may_have_run=True)

    assert isinstance(again, Run)
    assert key(again) == "bistro/o-1:submit"
