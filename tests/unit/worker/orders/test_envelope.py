"""Orders are parsed from messages, and encoded again."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from merchantroute_worker.orders import envelope
from merchantroute_worker.orders.messages import DeathReason, Incoming, to_dead, to_rung
from merchantroute_worker.orders.task_body import Malformed, Undecodable
from tests.unit.worker.samples import ROUTE, order, route

SCHEMAS = Path(__file__).resolve().parents[4] / "schema"
JOURNAL = {"v": 1, "steps": ROUTE["steps"], "done": ["validate"], "attempts": 2, "refusals": 1}


def read(body: Any, **more: Any) -> envelope.Order:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    given: dict[str, Any] = {"headers": {}, "correlation_id": "o-1", "routing_key": "bistro", **more}
    return envelope.read(body=data, **given)


FULL = {
    **JOURNAL,
    "steps": [{**ROUTE["steps"][0], "verify": {"method": "GET", "path": "/orders/{order_id}"}}, ROUTE["steps"][1]],
    "unsure": ["validate"],
    "notBefore": 1_234,
    "answer": "5xx",
    "answerText": "HTTP 503",
}


@pytest.mark.parametrize("journal", [JOURNAL, FULL])
def test_the_journal_survives_the_way_through_the_broker(journal: dict[str, Any]) -> None:
    once = order(journal=journal)

    again = read(once.encode(route().steps))

    assert json.loads(once.encode(()))[2]["merchantroute"] == journal
    assert again.journal == once.journal
    assert json.loads(again.payload) == {"id": "o-1", "note": "ünï"}


def test_an_order_that_has_not_begun_begins_with_the_route_s_steps() -> None:
    assert [step.name for step in read(order().encode(route().steps)).journal.steps or ()] == ["validate", "confirm"]


def test_whatever_else_is_in_the_body_stays_there() -> None:
    body = [[1, "x"], {"order": {"a": 1}, "b": 2}, {"chain": None, "errbacks": []}]

    args, kwargs, embed = json.loads(read(body).encode(route().steps))

    assert (args, kwargs) == (body[0], body[1])
    assert {"chain": None, "errbacks": []}.items() <= embed.items()


def test_half_a_surrogate_pair_travels() -> None:
    body = b'[[],{"order":{"note":"\\ud83d"}},{}]'

    assert read(read(body).encode(route().steps)).payload == b'{"note":"\\ud83d"}'


@pytest.mark.parametrize("body", [b"", b"soup", b"\xff\xfe", b"[NaN]", b"[" * 100_000, b'{"a":' * 5_000])
def test_what_is_no_json_is_undecodable(body: bytes) -> None:
    with pytest.raises(Undecodable):
        read(body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"order": {}}, "[args, kwargs, embed]"),
        ([[], {}], "[args, kwargs, embed]"),
        ([[], [], {}], "keyword arguments must be a JSON object, they are an array"),
        ([[], {}, {}], "`order` must be a JSON object, it is missing"),
        ([[], {"order": "soup"}, {}], "it is a string"),
        ([[], {"order": {}}, 7], "embed must be a JSON object, it is a number"),
        ([[], {"order": {}}, {"merchantroute": {"v": 3}}], "version 3"),
        ([[], {"order": {}}, {"merchantroute": []}], "agreed shape"),
        ([[], {"order": {}}, {"merchantroute": {**JOURNAL, "steps": [{}]}}], "agreed shape"),
        ([[], {"order": {}}, {"merchantroute": {**JOURNAL, "steps": [{**ROUTE["steps"][0], "verify": 1}]}}], "shape"),
        ([[], {"order": {}}, {"merchantroute": {**JOURNAL, "unsure": 7}}], "agreed shape"),
        ([[], {"order": {}}, {"merchantroute": {**JOURNAL, "notBefore": 10**400}}], "agreed shape"),
    ],
)
def test_what_is_no_order_is_malformed_and_the_text_says_why(body: Any, said: str) -> None:
    with pytest.raises(Malformed, match=said.replace("[", "\\[")):
        read(body)


@pytest.mark.parametrize("dots", [".", ".."])
def test_an_id_that_means_another_path_is_malformed(dots: str) -> None:
    for named in ({"correlation_id": dots}, {"routing_key": dots}):
        with pytest.raises(Malformed, match="stands for another place"):
            read([[], {"order": {}}, {}], **named)
    assert read([[], {"order": {}}, {}], correlation_id=f"{dots}1").id == f"{dots}1"


@pytest.mark.parametrize("missing", [{"correlation_id": None}, {"routing_key": ""}, {"correlation_id": "x" * 256}])
def test_an_order_needs_an_id_and_a_merchant(missing: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read([[], {"order": {}}, {}], **missing)


def test_a_task_id_does_where_there_is_no_correlation_id() -> None:
    assert read([[], {"order": {}}, {}], correlation_id=None, headers={"id": "t-1"}).id == "t-1"


def incoming(**headers: Any) -> Incoming:
    properties = {"correlation_id": "o-1", "content_type": "application/json", "expiration": "5000", "priority": 3}
    return Incoming(routing_key="bistro", body=b"{", properties=properties, headers=headers)


def test_an_order_on_a_rung_keeps_its_merchant_and_sheds_what_others_wrote_on_it() -> None:
    headers = {"task": "merchantroute.order", "lang": "py", "x-death": [{}], "x-first-death-queue": "q", "CC": ["x"]}
    stamped = order(headers={"mr-published-at": 1_234}, journal=JOURNAL)

    message = to_rung(incoming(**headers), stamped, route().steps, exchange="ladder", rung=15_000)

    assert (message.exchange, message.routing_key, message.mandatory) == ("ladder", "bistro", True)
    assert message.headers == {
        "task": "merchantroute.order",
        "lang": "py",
        "mr-rung": "15000",
        "mr-published-at": 1_234,
    }
    assert "expiration" not in message.properties
    assert (message.properties["priority"], message.properties["delivery_mode"]) == (3, 2)


def test_a_dead_letter_says_why_and_keeps_a_body_that_nobody_could_read() -> None:
    message = to_dead(incoming(task="x", **{"mr-rung": "1"}), DeathReason(reason="undecodable"), exchange="dead")

    assert message.body == b"{"
    expected = {"task": "x", "mr-reason": "undecodable", "mr-attempts": 0, "mr-answer-class": "none"}
    assert message.headers == expected


def test_journal_and_headers_are_as_the_schema_has_them() -> None:
    schema = json.loads((SCHEMAS / "envelope.json").read_text())
    once = order(journal=FULL, headers={"mr-published-at": 1, "mr-first-seen": 2})
    rung = to_rung(incoming(), once, route().steps, exchange="x", rung=1_000)
    why = DeathReason(
        reason="merchant-rejected", step="confirm", attempts=2, answer_class="4xx", answer_text="HTTP 422"
    )
    dead = to_dead(incoming(), why, exchange="x", order=once, steps=route().steps)

    for message in (rung, dead):
        journal = json.loads(message.body)[2]["merchantroute"]
        jsonschema.validate({"journal": journal, "headers": dict(message.headers)}, schema)
    assert dead.headers["mr-answer"] == "HTTP 422"


@pytest.mark.parametrize("text", [None, "", 503, "x" * 201, "two\nlines", ["HTTP 503"]])
def test_a_text_that_no_worker_wrote_is_no_answer(text: object) -> None:
    assert order(journal={**FULL, "answerText": text}).journal.answer_text is None
