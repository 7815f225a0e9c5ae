"""Bad input is refused before anything is sent, with a text that says what to change."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchantroute_worker.client import BadOrder, Order
from merchantroute_worker.client.message import Message, write
from merchantroute_worker.orders import envelope

NOW = 1_764_000_000.123


def written(order: Any, **more: Any) -> Message:
    return write(Order(order, **{"merchant": "bistro", "order_id": "x", **more}), now=NOW, new_id=lambda: "made-up")


@pytest.mark.parametrize(
    ("order", "why"),
    [
        (None, "must be a JSON object"),
        ([1, 2], "must be a JSON object.*list"),
        ("{}", "must be a JSON object.*str"),
        ({"total": float("nan")}, "not JSON"),
        ({"total": float("-inf")}, "not JSON"),
        ({"total": Decimal("9.99")}, "not JSON.*Decimal"),
        ({"at": datetime.now(UTC)}, "not JSON.*datetime"),
        ({("a", "b"): 1}, "not JSON.*keys"),
    ],
)
def test_an_order_that_is_no_json_object(order: Any, why: str) -> None:
    with pytest.raises(BadOrder, match=why):
        written(order)


def test_an_order_that_contains_itself() -> None:
    order: dict[str, Any] = {}
    order["again"] = order

    with pytest.raises(BadOrder, match="not JSON"):
        written(order)


@pytest.mark.parametrize("what", ["merchant", "order_id"])
@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "must be a text that is not empty"),
        (7, "must be a text that is not empty"),
        ("x" * 256, "has 256 bytes"),
        ("é" * 128, "has 256 bytes"),
        ("half a pair \ud83c", "not valid Unicode"),
        (".", "another place"),
        ("..", "another place"),
    ],
)
def test_a_merchant_or_an_id_that_cannot_be_one(what: str, value: Any, why: str) -> None:
    with pytest.raises(BadOrder, match=f"{what}.*{why}"):
        written({}, **{what: value})


def test_an_order_of_nobody() -> None:
    with pytest.raises(BadOrder, match="give merchant=, or the order a field `merchant`"):
        written({}, merchant=None)


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"task": "another.task"}, "'task' belongs to"),
        ({"mr-published-at": 1}, "'mr-published-at' belongs to"),
        ({"MR-Rung": "1"}, "'MR-Rung' belongs to"),
        ({"CC": ["elsewhere"]}, "'CC' belongs to"),
        ({"x-death": []}, "'x-death' belongs to"),
        ({"X-Death": []}, "'X-Death' belongs to"),
        ({"x-first-death-queue": "q"}, "'x-first-death-queue' belongs to"),
        ({"x-last-death-reason": "expired"}, "'x-last-death-reason' belongs to"),
        ({"x-delivery-count": 3}, "'x-delivery-count' belongs to"),
        ({"x-acquired-count": 3}, "'x-acquired-count' belongs to"),
        ({"x-delay": 1000}, "'x-delay' belongs to"),
        ({"x-opt-rank": 1}, "'x-opt-rank' belongs to"),
        ({1: "one"}, "1 belongs to"),
        ({"shop": object()}, "AMQP has no form"),
        ({"shop": 2**70}, "AMQP has no form"),
        ({"n" * 300: "x"}, "AMQP has no form"),
        ({"shop": "x" * 70_000}, "keep data in the order itself"),
    ],
)
def test_headers_that_would_mislead_or_break_somebody(headers: Any, why: str) -> None:
    with pytest.raises(BadOrder, match=why):
        written({}, headers=headers)


@pytest.mark.parametrize("name", ["X-Request-ID", "x-request-id", "x-b3-traceid", "X-Amzn-Trace-Id", "x-deathly", "x"])
def test_a_header_that_the_broker_does_not_know_is_the_application_s(name: str) -> None:
    assert written({}, headers={name: "7"}).headers[name] == "7"


@pytest.mark.parametrize("moment", [datetime(2026, 11, 24), "2026-11-24", 5])  # noqa: DTZ001 - that is the mistake
@pytest.mark.parametrize("what", ["eta", "expires"])
def test_a_time_without_a_zone(what: str, moment: Any) -> None:
    with pytest.raises(BadOrder, match=f"{what} must be a datetime with a time zone"):
        written({}, **{what: moment})


@pytest.mark.parametrize(
    ("order", "given_id", "found"),
    [
        ({"id": "own"}, "given", "given"),
        ({"id": "own"}, None, "own"),
        ({"id": 4711}, None, "4711"),
        ({"id": None}, None, "made-up"),
        ({}, None, "made-up"),
        ({}, "é" * 127, "é" * 127),
    ],
)
def test_the_order_id_is_the_given_one_or_the_orders_own_or_a_new_one(
    order: dict[str, Any], given_id: str | None, found: str
) -> None:
    letter = written(order, order_id=given_id)

    assert (letter.order_id, letter.headers["id"]) == (found, found)


@pytest.mark.parametrize("own", ["", True, ["x"], {"x": 1}, 1.5])
def test_an_own_id_that_is_none_is_refused_rather_than_replaced(own: Any) -> None:
    with pytest.raises(BadOrder, match="order_id must be a text"):
        written({"id": own}, order_id=None)


def test_any_mapping_is_an_object() -> None:
    assert json.loads(written(MappingProxyType({"a": 1})).body) == [[], {"order": {"a": 1}}, {}]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
NAMES = st.text(min_size=1, max_size=60).filter(lambda text: text not in {".", ".."})


@given(order=st.dictionaries(st.text(), VALUES, max_size=5), merchant=NAMES, order_id=NAMES)
def test_the_worker_reads_whatever_was_written(order: dict[str, Any], merchant: str, order_id: str) -> None:
    letter = write(Order(order, merchant, order_id), now=NOW, new_id=lambda: "made-up")

    read = envelope.read(body=letter.body, headers=letter.headers, correlation_id=order_id, routing_key=merchant)
    assert (read.id, read.merchant, json.loads(read.payload)) == (order_id, merchant, order)
    assert read.published_at == letter.published_at / 1000 == 1_764_000_000.123
