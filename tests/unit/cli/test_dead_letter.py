"""A dead letter read from its message, whether a worker or RabbitMQ dead-lettered it."""

from datetime import datetime
from typing import Any

import pytest

from merchantroute_worker.cli.dead_letter import read
from tests.unit.cli.dead_letter_samples import NOW, letter


def test_a_worker_s_letter_says_who_why_where_and_since_when() -> None:
    found = letter("o-7", merchant="bistro", reason="attempts-exhausted", age=60)

    told = (found.id, found.merchant, found.reason, found.step, found.attempts, found.answer, found.published_at)
    assert told == ("o-7", "bistro", "attempts-exhausted", "submit", 8, "5xx", NOW - 60)


@pytest.mark.parametrize(
    ("deaths", "reason"),
    [
        ([{"reason": "delivery_limit", "count": 1}], "delivery-limit"),
        ([{"reason": "rejected"}, {"reason": "delivery_limit"}], "broker-rejected"),
        ([{"reason": "expired"}], "broker-expired"),
        (None, "unknown"),
        ([], "unknown"),
        ("soup", "unknown"),
        ([{"reason": 7}], "unknown"),
        (["soup"], "unknown"),
    ],
)
def test_a_letter_that_the_broker_buried_has_the_broker_s_reason(deaths: Any, reason: str) -> None:
    assert letter(reason=None, headers={"x-death": deaths}).reason == reason


def test_an_order_that_no_worker_has_read_is_as_old_as_its_producer_says() -> None:
    assert letter(age=None, timestamp=datetime(2027, 1, 15, 8, 0)).published_at == NOW  # noqa: DTZ001 - as py-amqp's
    assert letter(age=None).published_at is None


def test_the_task_s_id_names_a_letter_without_a_correlation_id() -> None:
    assert letter(None, headers={"id": "o-9"}).id == "o-9"
    assert letter(None).id is None


@pytest.mark.parametrize("value", [None, -1, True, "8", 1.5, [], {}, b"\xff"])
def test_headers_of_the_wrong_kind_say_nothing(value: Any) -> None:
    names = ("mr-attempts", "mr-published-at", "mr-replays")
    found = letter(headers={**dict.fromkeys(names, value), "mr-step": value if value != "8" else None})

    assert (found.attempts, found.published_at, found.replays, found.step) == (None, None, 0, None)


def test_a_message_with_nothing_on_it_is_a_letter_too() -> None:
    found = read(tag=1, routing_key="", body=b"", properties={}, front_door="mr.orders.pos")

    assert (found.id, found.merchant, found.reason, found.published_at) == (None, "", "unknown", None)


@pytest.mark.parametrize(
    ("exchange", "by_producer"),
    [("mr.orders.pos", True), ("", True), (7, True), ("mr.orders.pos.router", False), ("mr.orders.pos.suspect", False)],
)
def test_a_letter_that_the_broker_buried_is_as_its_producer_wrote_it_unless_a_worker_had_it(
    exchange: Any, by_producer: bool
) -> None:
    deaths = [{"reason": "delivery_limit", "exchange": exchange}]
    found = letter(reason="max-age", headers={"x-death": deaths, "mr-replays": 3})

    assert found.message.as_published is by_producer
    assert (found.reason, found.replays) == (("delivery-limit", 0) if by_producer else ("max-age", 3))
