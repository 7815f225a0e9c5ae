"""The message of a replay: not dead-lettered again at once, and not mistaken for a delivery that is settled."""

import json
import zlib
from typing import Any

import pytest

from merchantroute_worker.cli.dead_letter import DeadLetter
from merchantroute_worker.cli.replay_message import replay_message
from merchantroute_worker.orders import task_message
from merchantroute_worker.orders.envelope import Order, read
from merchantroute_worker.orders.messages import Incoming, Outgoing
from tests.unit.cli.dead_letter_samples import JOURNAL, NOW, body, letter


def replayed(dead: DeadLetter, *, reset_attempts: bool = True) -> Outgoing:
    return replay_message(dead, exchange="mr.orders.pos.router", now=NOW, reset_attempts=reset_attempts)


def order(message: Outgoing) -> Order:
    return read(
        body=message.body,
        headers=message.headers,
        correlation_id=message.properties["correlation_id"],
        routing_key=message.routing_key,
    )


def incoming(message: Outgoing) -> Incoming:
    return Incoming(
        routing_key=message.routing_key, body=message.body, properties=message.properties, headers=message.headers
    )


def test_it_goes_to_the_same_merchant_as_the_same_order_mandatory() -> None:
    message = replayed(letter("o-1", merchant="bistro", priority=3))

    assert (message.exchange, message.routing_key, message.mandatory) == ("mr.orders.pos.router", "bistro", True)
    assert message.properties["correlation_id"] == "o-1"
    assert (message.properties["priority"], message.properties["delivery_mode"]) == (3, 2)
    assert message.headers["task"] == "merchantroute.order"


def test_its_age_begins_anew_and_the_first_one_is_kept() -> None:
    once = replayed(letter(age=90_000))

    assert once.headers["mr-published-at"] == round(NOW * 1000)
    assert once.headers["mr-first-published-at"] == round((NOW - 90_000) * 1000)
    assert once.headers["mr-replays"] == 1

    twice = replayed(letter(age=5, headers={**once.headers, "mr-published-at": round((NOW - 5) * 1000)}))
    assert twice.headers["mr-first-published-at"] == once.headers["mr-first-published-at"]
    assert twice.headers["mr-replays"] == 2


def test_a_letter_without_a_time_gets_one() -> None:
    headers = replayed(letter(age=None)).headers

    assert headers["mr-published-at"] == round(NOW * 1000)
    assert "mr-first-published-at" not in headers


def test_nothing_of_its_death_stays_on_it() -> None:
    deaths = [{"reason": "delivery_limit", "exchange": "mr.orders.pos.router", "queue": "q", "count": 1}]
    broker = {"x-death": deaths, "x-first-death-reason": "delivery_limit", "x-delivery-count": 9, "CC": ["spy"]}
    headers = replayed(letter(headers={**broker, "mr-first-seen": 1, "mr-rung": "1000", "own": "stays"})).headers

    assert set(headers) == {"task", "mr-published-at", "mr-first-published-at", "mr-replays", "own"}


def test_an_expiry_is_taken_off_and_an_eta_stays() -> None:
    message = replayed(letter(headers={"expires": "2020-01-01T00:00:00", "eta": "2027-01-01T00:00:00"}, expiration="9"))

    assert message.headers["expires"] is None
    assert message.headers["eta"] == "2027-01-01T00:00:00"
    assert "expiration" not in message.properties


def test_finished_steps_stay_finished_and_attempts_begin_anew() -> None:
    found = order(replayed(letter()))

    assert found.journal.done == ("validate",)
    assert [step.name for step in found.journal.steps or ()] == ["validate", "submit"]
    assert found.journal.attempts == 0
    assert json.loads(found.payload) == {"items": ["soup"]}


def test_attempts_can_be_kept() -> None:
    assert order(replayed(letter(), reset_attempts=False)).journal.attempts == 8


@pytest.mark.parametrize("reset_attempts", [True, False])
def test_no_pod_can_take_it_for_an_earlier_stay_of_the_same_order(reset_attempts: bool) -> None:
    """A pod acks a redelivered order whose delivery key it has given an outcome already."""
    first = replayed(letter(), reset_attempts=reset_attempts)
    second = replayed(letter(content=first.body, headers=dict(first.headers)), reset_attempts=reset_attempts)
    merchant, order_id, publication, *_ = order(first).delivery_key
    assert (merchant, order_id) == ("bistro", "o-1")
    # Even if it had been published in the very millisecond of its replay.
    earlier = {(merchant, order_id, publication, attempts, refusals) for attempts in range(9) for refusals in range(4)}

    assert order(first).delivery_key not in earlier
    assert order(second).delivery_key not in {*earlier, order(first).delivery_key}


@pytest.mark.parametrize(
    "content",
    [b"{soup", b"\xff\xfe", b"[]", b'[[],{"order":null},{}]', body(journal=None), body(journal={"v": 2}), b""],
)
def test_a_body_that_holds_no_journal_stays_as_it_is(content: bytes) -> None:
    dead = letter(content=content, content_type="application/json", content_encoding="utf-8")

    message = replayed(dead)

    assert message.body == content
    assert message.properties["content_type"] == "application/json"


def test_an_app_s_own_task_has_its_counts_in_headers_and_is_new_to_pods_as_well() -> None:
    counts = {"task": "shop.send", "id": "o-1", "mr-refusals": 2, "retries": 3}
    dead = letter(content=b"[[7],{},{}]", reason="attempts-exhausted", headers=counts)
    for reset_attempts, attempts in ((True, 0), (False, 8)):
        message = replayed(dead, reset_attempts=reset_attempts)
        task = task_message.read(incoming(message), now=NOW)
        assert (task.attempts, task.retries) == (attempts, 3)
        merchant, name, publication, *_ = task.delivery_key
        assert (merchant, name) == ("bistro", "shop.send o-1 3")
        earlier = {(merchant, name, publication, attempts, refusals) for attempts in range(9) for refusals in range(3)}
        assert task.delivery_key not in earlier


def test_a_compressed_body_stays_compressed_and_says_so() -> None:
    packed = zlib.compress(body())

    message = replayed(letter(content=packed, headers={"compression": "application/x-gzip"}))

    assert (message.body, message.headers["compression"]) == (packed, "application/x-gzip")


def test_a_body_that_is_written_anew_is_json_and_says_so() -> None:
    dead = letter(content=body(), content_type="application/data", content_encoding="utf-8")

    message = replayed(dead)

    told: dict[str, Any] = json.loads(message.body)[2]["merchantroute"]
    assert told == {**JOURNAL, "attempts": 0, "refusals": 4}
    assert message.properties["content_type"] == "application/json"


def test_doubt_goes_along_and_a_wait_that_the_merchant_once_asked_for_does_not() -> None:
    doubtful = {**JOURNAL, "unsure": ["submit"], "answer": "429"}

    message = replayed(letter(content=body(journal={**doubtful, "notBefore": round(NOW * 1000) + 600_000})))

    told: dict[str, Any] = json.loads(message.body)[2]["merchantroute"]
    assert told == {**doubtful, "attempts": 0, "refusals": 4}


def test_the_letter_itself_is_left_alone() -> None:
    dead = letter(headers={"expires": "2020-01-01T00:00:00"})
    before = dead.message._replace(headers=dict(dead.message.headers), properties=dict(dead.message.properties))

    replayed(dead)

    assert dead.message == before
