"""An order as a message any Celery worker reads, and the words that come back about it."""

import json
from typing import Any

import pytest

from merchantroute_kit.wire.completions import parse
from merchantroute_kit.wire.dead_letters import reason
from merchantroute_kit.wire.envelope import wrap
from merchantroute_kit.wire.management import queued

RECORD = {
    "event": "order.done",
    "order": "r-1",
    "merchant": "m",
    "tier": "t",
    "lane": "stable",
    "steps": ["submit"],
    "attempts": 2,
    "seconds": 1.5,
    "publishedAt": 1,
    "finishedAt": 2,
    "pod": "p",
    "redelivered": False,
}


def test_an_order_travels_as_celerys_protocol_2() -> None:
    message = wrap({"id": "r-1", "note": "多放辣椒"}, order_id="r-1", merchant="noodle-house", published_at=7)
    args, kwargs, embed = json.loads(message.body)
    assert (args, kwargs) == ([], {"order": {"id": "r-1", "note": "多放辣椒"}})
    assert set(embed) == {"callbacks", "errbacks", "chain", "chord"}
    assert message.routing_key == "noodle-house"
    assert (message.headers["task"], message.headers["id"]) == ("merchantroute.order", "r-1")
    assert message.headers["mr-published-at"] == 7


@pytest.mark.parametrize("order", [None, "text", [], 42])
def test_a_malformed_order_travels_all_the_same(order: Any) -> None:
    assert json.loads(wrap(order, order_id="r-1", merchant="m", published_at=0).body)[1] == {"order": order}


def test_a_completion_record_is_understood() -> None:
    said = parse(json.dumps(RECORD).encode())
    assert said is not None
    assert (said.order, said.attempts, said.seconds, said.tier) == ("r-1", 2, 1.5, "t")


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"{}", b'"text"'])
def test_what_is_no_completion_record_is_passed_over(body: bytes) -> None:
    assert parse(body) is None


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"mr-reason": "malformed", "x-death": [{"reason": "expired"}]}, "malformed"),
        ({"x-death": [{"reason": "delivery_limit"}]}, "broker:delivery_limit"),
        ({}, "broker:unknown"),
    ],
)
def test_a_dead_letter_says_why(headers: dict[str, Any], says: str) -> None:
    assert reason(headers) == says


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ({}, 0),
        ({"d.t.stable": 2, "d.t.retry.1000": 3, "d.suspect": 1, "d.dead": 100}, 6),
        ({"d.t.stable": None, "d.dead": 1}, None),  # a fresh queue: unknown, which is not nothing
        ({"d.t.stable": 0, "d.dead": None}, 0),
    ],
)
def test_queued_is_all_but_dead_letters_and_unknown_while_one_is(
    messages: dict[str, int | None], says: int | None
) -> None:
    assert queued(messages, "d") == says
