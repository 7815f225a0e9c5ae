"""Values captured from answers, and rules about values."""

import json
from typing import Any

import pytest

from merchantroute_worker.orders.steps.captures import (
    AnswerContent,
    AnswerValues,
    Uncaptured,
    capture_all,
    defaults,
    parse_captures,
)
from merchantroute_worker.orders.steps.value_rules import all_hold, broken_rule, parse_answer_rules, parse_order_rules
from merchantroute_worker.orders.steps.values import Values

BODY: Any = {"status": "ok", "n": 1, "data": {"id": 42, "none": None, "big": "x" * 2000, "list": [1, 2]}}


def answer(body: bytes | None = None, *, whole: bool = True) -> AnswerValues:
    return AnswerValues(AnswerContent({"etag": '"v1"'}, json.dumps(BODY).encode() if body is None else body, whole))


@pytest.mark.parametrize(
    ("capture", "value"),
    [
        ({"json": "/data/id"}, {"x": 42}), ({"json": "/data/list"}, {"x": [1, 2]}), ({"header": "ETag"}, {"x": '"v1"'}),
        ({"json": "/no", "required": False}, {}), ({"json": "/no", "default": 0}, {"x": 0}),
        ({"json": "/data/none", "default": "d"}, {"x": "d"}), ({"header": "X-No", "required": False}, {}),
    ],
)  # fmt: skip
def test_a_value_is_captured_with_its_type(capture: dict[str, Any], value: dict[str, Any]) -> None:
    assert capture_all(parse_captures({"x": capture}), answer()) == value


@pytest.mark.parametrize(
    ("capture", "body", "said"),
    [
        ({"json": "/no"}, None, "x is missing: the answer has no /no"),
        ({"json": "/data/none"}, None, "x is missing"),
        ({"header": "Location"}, None, "x is missing: the answer has no Location"),
        ({"json": "/data/big"}, None, "x cannot be kept: it is larger than 1024 bytes"),
        ({"json": "/n"}, b'{"n": 1e999}', "beyond every range"),
        ({"json": "/n"}, b"<html>", "the answer cannot be read: it is no JSON"),
        ({"json": "/n"}, b"", "it is no JSON"),
        ({"json": "/n"}, b'{"n":' * 100_000, "the answer cannot be read"),
    ],
)
def test_what_cannot_be_captured_is_said_without_the_answer(
    capture: dict[str, Any], body: bytes | None, said: str
) -> None:
    with pytest.raises(Uncaptured, match=said.replace("(", r"\(")):
        capture_all(parse_captures({"x": capture}), answer(body))


def test_an_answer_that_was_not_read_to_its_end_gives_headers_only() -> None:
    assert capture_all(parse_captures({"x": {"header": "etag"}}), answer(whole=False)) == {"x": '"v1"'}
    with pytest.raises(Uncaptured, match="too long"):
        capture_all(parse_captures({"x": {"json": "/n"}}), answer(whole=False))


def test_a_body_is_parsed_only_where_a_pointer_asks_for_it() -> None:
    assert capture_all(parse_captures({"x": {"header": "ETag"}}), answer(b"<html>")) == {"x": '"v1"'}


@pytest.mark.parametrize(
    "capture", [{}, {"json": "/a", "header": "b"}, {"json": "a"}, {"header": "a b"}, {"header": ""}]
)
def test_what_is_no_place_in_an_answer_is_refused(capture: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"write one of json and header|does not begin with|no header"):
        parse_captures({"x": capture})


@pytest.mark.parametrize("name", ["", "order_id", "merchant", "order", "fields", "a.b", "a b", "1a"])
def test_a_capture_has_a_name_that_means_nothing_else(name: str) -> None:
    with pytest.raises(ValueError, match="can be called"):
        parse_captures({name: {"json": "/a"}})


def test_a_step_that_is_skipped_leaves_its_defaults() -> None:
    assert defaults(parse_captures({"a": {"json": "/a", "default": 1}, "b": {"json": "/b"}})) == {"a": 1}


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ({"json": "/status", "in": ["ok", "accepted"]}, True), ({"json": "/status", "in": ["OK"]}, False),
        ({"json": "/status", "notIn": ["error"]}, True), ({"json": "/status", "notIn": ["ok"]}, False),
        ({"json": "/n", "in": [True]}, False), ({"json": "/n", "in": [1.0]}, True),
        ({"json": "/n", "notIn": [True]}, True),
        ({"json": "/no", "in": [None]}, False), ({"json": "/data/none", "in": [None]}, True),
        ({"json": "/no", "exists": False}, True), ({"json": "/data/none", "exists": True}, False),
        ({"json": "/data/id", "exists": True, "notIn": [0]}, True), ({"header": "ETag", "exists": True}, True),
        ({"header": "X-Error", "exists": False}, True),
    ],
)  # fmt: skip
def test_a_rule_about_an_answer(rule: dict[str, Any], holds: bool) -> None:
    assert (broken_rule(parse_answer_rules([rule]), answer()) is None) is holds


def test_a_broken_rule_says_where_and_nothing_of_the_answer() -> None:
    rules = parse_answer_rules([{"json": "/n", "in": [1]}, {"json": "/status", "in": ["accepted"]}])

    assert broken_rule(rules, answer()) == "/status of the answer is not what success wants"
    assert broken_rule(rules, answer(b"soup")) == "the answer cannot be read: it is no JSON"


@pytest.mark.parametrize(
    ("rule", "skipped"),
    [
        ({"value": "{/type}", "in": ["pickup"]}, True), ({"value": "{/type}", "in": ["delivery"]}, False),
        ({"value": "{/none}", "exists": False}, True), ({"value": "{/none}", "in": ["x"]}, False),
        ({"value": "{posId}", "exists": True}, True), ({"value": "{fields.kitchen}", "in": ["no"]}, True),
    ],
)  # fmt: skip
def test_a_rule_about_an_order(rule: dict[str, Any], skipped: bool) -> None:
    known = Values(
        order_id="o", merchant="m", payload=b'{"type": "pickup"}', fields={"kitchen": "no"}, captured={"posId": 1}
    )

    assert all_hold(parse_order_rules([rule]), known) is skipped


@pytest.mark.parametrize(
    "rule",
    [
        {"value": "{/a}"}, {"value": "x", "in": [1]}, {"value": "{/a}{/b}", "in": [1]}, {"value": "{/a}", "in": []},
        {"value": "{/a}", "in": "ab"}, {"value": "{/a}", "exists": "yes"},
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"needs in|one variable|at least one value|true or false"):
        parse_order_rules([rule])
