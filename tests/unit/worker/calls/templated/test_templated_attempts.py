"""Attempts at orders whose steps read answers: what is captured, what is no success, what is skipped."""

import json
from dataclasses import dataclass, field
from typing import Any

import gevent.event
import pytest

from merchantroute_worker.calls.attempt import attempt
from merchantroute_worker.calls.http_client import Reply
from merchantroute_worker.calls.request import Request, UnusableEndpoint
from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.attempt_result import Attempt
from merchantroute_worker.orders.route import Merchant
from merchantroute_worker.orders.steps.captures import AnswerContent
from merchantroute_worker.pools.attempt_runners import InProcess
from tests.unit.worker.calls.scripted_merchant import ScriptedMerchant
from tests.unit.worker.samples import order, route

CREATE = {
    "name": "create",
    "request": {"method": "POST", "path": "/orders"},
    "verify": {"method": "GET", "path": "/orders?ref={order_id}"},
    "capture": {"posId": {"json": "/data/id"}, "etag": {"header": "ETag", "required": False}},
    "success": [{"json": "/status", "in": ["ok"]}],
}
PAY = {
    "name": "pay",
    "request": {"method": "PUT", "path": "/orders/{posId}", "headers": {"If-Match": "{etag?}"}},
    "skipWhen": [{"value": "{/paid?}", "in": [True]}],
}
GOOD = {"status": "ok", "data": {"id": 77}}
Ends = dict[str, list[int | OSError | tuple[int, Any]]]


@dataclass
class Script(ScriptedMerchant):
    """A merchant that may answer with a body, and with none when its list is used up."""

    heads: list[str] = field(default_factory=list)
    kept: list[bool] = field(default_factory=list)

    def call(self, request: Request) -> Reply:
        self.heads.append(request.head.decode("latin-1"))
        self.kept.append(request.keep)
        return super().call(request)

    def reply(self, request: Request, end: Any) -> Reply:
        status, body = end if isinstance(end, tuple) else (end, None)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        content = AnswerContent({"etag": '"v1"'} if body is not None else {}, raw) if request.keep else None
        return Reply(status, None, content)


def run(ends: Ends, *steps: Any, journal: dict[str, Any] | None = None, **fields: Any) -> tuple[Attempt, Script]:
    began = {"v": 2, "steps": list(steps or (CREATE, PAY)), "done": [], "attempts": 0, "refusals": 0, **(journal or {})}
    script, merchant = Script(ends), Merchant(id="bistro", endpoint="https://bistro.example", fields=fields)
    return attempt(order(journal=began), merchant, route(), script, script), script


def test_what_a_step_captures_fills_in_the_steps_after_it() -> None:
    result, script = run({"POST /orders": [(201, GOOD)]})

    assert script.calls == ["POST /orders", "PUT /orders/77"]
    assert 'If-Match: "v1"\r\n' in script.heads[1]
    assert script.kept == [True, False]
    assert result == Attempt(done=("create", "pay"), captured={"posId": 77, "etag": '"v1"'})


def test_an_order_that_is_tried_again_has_what_was_captured_before() -> None:
    result, script = run({}, journal={"done": ["create"], "captured": {"posId": "a b"}})

    assert script.calls == ["PUT /orders/a%20b"]
    assert result.captured == {"posId": "a b"}


def test_what_was_captured_is_kept_when_a_later_step_fails() -> None:
    result, _ = run({"POST /orders": [(200, GOOD)], "PUT /orders/77": [503]})

    assert (result.done, result.answer) == (("create",), Answer(503))
    assert result.captured["posId"] == 77


@pytest.mark.parametrize(
    ("answer", "label", "text"),
    [
        ((200, {"status": "error", "data": {"id": 1}}), "unsuccessful", "HTTP 200: /status of the answer is not what"),
        ((200, {"data": {"id": 1}}), "unsuccessful", "/status of the answer"),
        ((200, b"<html>"), "unsuccessful", "the answer cannot be read: it is no JSON"),
        ((200, {"status": "ok"}), "uncaptured", "HTTP 200: posId is missing: the answer has no /data/id"),
        ((200, {"status": "ok", "data": {"id": "x" * 2000}}), "uncaptured", "larger than 1024 bytes"),
        ((422, {"status": "ok"}), "4xx", "HTTP 422"),
    ],
)
def test_an_answer_that_says_no_is_no_success(answer: tuple[int, Any], label: str, text: str) -> None:
    result, script = run({"POST /orders": [answer]})

    assert script.watched == ["create", f"create {label}"]
    assert result.answer is not None
    assert (result.done, result.unsure, result.captured) == ((), (), {})
    assert result.answer.label == label
    assert text in result.answer.text


def test_what_the_step_s_own_table_takes_for_done_is_done_and_is_captured_from() -> None:
    step = {**CREATE, "answers": {"409": "Done"}}
    result, script = run({"POST /orders": [(409, {"data": {"id": 5}})]}, step, PAY)

    assert script.calls == ["POST /orders", "PUT /orders/5"]
    assert result.captured["posId"] == 5


def test_the_table_of_one_step_holds_for_no_other() -> None:
    result, _ = run(
        {"POST /orders": [(201, GOOD)], "PUT /orders/77": [409]}, {**CREATE, "answers": {"409": "Done"}}, PAY
    )

    assert (result.done, result.answer) == (("create",), Answer(409))


def test_a_question_answers_what_its_step_would_have_captured() -> None:
    result, script = run({"GET /orders?ref=o-1": [(200, {"data": {"id": 9}})]}, journal={"unsure": ["create"]})

    assert script.calls == ["GET /orders?ref=o-1", "PUT /orders/9"]
    assert result.done == ("create", "pay")


def test_a_question_whose_answer_lacks_it_leaves_the_doubt() -> None:
    result, script = run({"GET /orders?ref=o-1": [(200, {})]}, journal={"unsure": ["create"]})

    assert script.calls == ["GET /orders?ref=o-1"]
    assert result.answer is not None
    assert (result.answer.label, result.unsure) == ("uncaptured", ("create",))


@pytest.mark.parametrize(("paid", "calls"), [(True, ["POST /orders"]), (False, ["POST /orders", "PUT /orders/77"])])
def test_a_step_is_skipped_when_its_rules_hold(paid: bool, calls: list[str]) -> None:
    step = {**PAY, "skipWhen": [{"value": "{/note}", "in": ["ünï" if paid else "x"]}]}
    result, script = run({"POST /orders": [(201, GOOD)]}, CREATE, step)

    assert script.calls == calls
    assert result.done == ("create", "pay")


def test_a_step_that_is_skipped_leaves_its_defaults() -> None:
    create = {
        **CREATE,
        "capture": {"posId": {"json": "/x", "default": "none"}},
        "skipWhen": [{"value": "{/no}", "exists": False}],
    }
    result, script = run({}, create, PAY)

    assert script.calls == ["PUT /orders/none"]
    assert result.captured == {"posId": "none"}


def test_an_order_that_has_no_such_request_stops_there_and_keeps_what_it_did() -> None:
    pay = {**PAY, "request": {"method": "PUT", "path": "/orders/{posId}/{/secret/key}"}}
    result, script = run({"POST /orders": [(201, GOOD)]}, CREATE, pay)

    assert script.calls == ["POST /orders"]
    assert script.watched == ["create", "create 2xx"]
    assert (result.done, result.answer) == (("create",), None)
    assert result.problem == "the path needs /secret/key of the order, which is missing"
    assert result.captured["posId"] == 77


def test_a_merchant_without_a_field_that_a_later_step_needs_is_not_called_at_all() -> None:
    pay = {**PAY, "request": {"method": "PUT", "path": "/{fields.storeId}"}}
    with pytest.raises(UnusableEndpoint, match="the step pay needs the field storeId of its merchant"):
        run({}, CREATE, pay)
    assert run({"POST /orders": [(201, GOOD)]}, CREATE, pay, storeId="s1")[1].calls[1] == "PUT /s1"


class Silent(Script):
    """A merchant that never answers."""

    def call(self, request: Request) -> Reply:
        self.calls.append(request.method)
        gevent.event.Event().wait()
        raise AssertionError("the call ended")


def test_a_step_has_a_time_out_of_its_own() -> None:
    script = Silent({})
    began = {"v": 2, "steps": [{**CREATE, "callTimeoutMs": 20}], "done": [], "attempts": 0, "refusals": 0}
    merchant = Merchant(id="bistro", endpoint="https://bistro.example")
    result = attempt(order(journal=began), merchant, route(), script, script)

    assert result.answer == Answer(failure="timeout", cause="no whole answer within 0.02 s")
    assert result.unsure == ("create",)


@pytest.mark.parametrize(("own", "seconds"), [(None, 10.0), (4_000, 10.0), (20_000, 20.0), (90_000, 30.0)])
def test_a_merchant_is_not_taken_for_slow_before_its_step_s_own_time_out(own: int | None, seconds: float) -> None:
    step = {**CREATE, **({} if own is None else {"callTimeoutMs": own})}
    given = route(steps=[step, PAY], callTimeoutMs=10_000, deadlineMs=30_000)

    assert InProcess(Script({})).timeout(given, given.steps) == seconds
