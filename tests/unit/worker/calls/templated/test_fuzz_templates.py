"""Whatever a template, an order and an answer hold: a request or a reason, never another error, and no content told."""

import json
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from merchantroute_worker.calls.attempt import attempt
from merchantroute_worker.calls.http_client import Reply
from merchantroute_worker.calls.request import Request, UnusableEndpoint
from merchantroute_worker.orders import decisions, envelope
from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.attempt_result import MerchantHealth
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.outcome import Done, ToDead, ToLadder
from merchantroute_worker.orders.route import Merchant
from merchantroute_worker.orders.steps.captures import AnswerContent
from merchantroute_worker.orders.steps.step import Step, parse_step
from merchantroute_worker.orders.task_body import Malformed, Undecodable
from tests.unit.worker.fuzz import FUZZ, JSON, TEXTS, dumped
from tests.unit.worker.samples import route

MARK = "kept-to-itself"
PIECES = st.sampled_from([
    "{order_id}", "{merchant}", "{order}", "{/a}", "{/a/0}", "{/b?}", "{/}", "{posId}", "{posId?}", "{fields.x}", "{{",
    "}}", "/", "a", "?", "&", " ", "ü", "#",
])  # fmt: skip
TEMPLATES = st.lists(PIECES, max_size=5).map("".join)
PLACES = st.sampled_from(["", "/a", "/a/0"])
RULES = st.fixed_dictionaries({"json": PLACES}, optional={"notIn": st.lists(JSON, min_size=1)})
DOTS = st.sampled_from([".", "..", "%2e", "a/..", ""])
ANSWERS = JSON | st.just({"a": [MARK]}) | st.just({"a": 7}) | DOTS
NAMED = st.dictionaries(st.sampled_from(["X-A", "b", "Accept"]), TEMPLATES, max_size=2)
ORDERS = st.fixed_dictionaries({}, optional={"a": JSON | DOTS | st.just(MARK) | st.just([MARK]), "b": JSON, "": JSON})


@st.composite
def steps(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Two steps, of which the second may use what the first captures."""
    made = []
    for name in ("first", "second"):
        body = draw(
            st.none()
            | st.fixed_dictionaries({"json": st.recursive(TEMPLATES, lambda each: st.lists(each, max_size=2) | NAMED)})
            | st.fixed_dictionaries({"form": NAMED})
        )
        request: dict[str, Any] = {
            "method": draw(st.sampled_from(["GET", "POST", "PATCH"])),
            "path": f"/{draw(TEMPLATES)}",
        }
        request |= {"query": draw(NAMED), "headers": draw(NAMED)} | ({} if body is None else {"body": body})
        capture = {"posId": {"json": draw(st.sampled_from(["", "/a", "/b"])), "required": draw(st.booleans())}}
        success = [{**draw(RULES), "exists": True}] if draw(st.booleans()) else []
        made.append({"name": name, "request": request, "capture": capture, "success": success})
    return made


class Answering:
    """A merchant that answers each call with the same bytes."""

    def __init__(self, status: int, body: bytes) -> None:
        self.reply, self.requests = Reply(status, None, AnswerContent({}, body)), 0

    def call(self, request: Request) -> Reply:
        head = request.head.decode("latin-1")
        line, _, rest = head.partition("\r\n")
        assert line.count(" ") == 2
        assert rest.endswith("\r\n\r\n")
        assert "\r\n\r\n" not in rest[:-4]
        path = line.split(" ")[1].partition("?")[0]
        assert not {"..", "."} & {part.lower().replace("%2e", ".") for part in path.split("/")}
        self.requests += 1
        return self.reply

    def reap(self) -> None:
        """Nothing is idle."""

    def close(self) -> None:
        """Nothing is open."""

    def begins(self, step: Step) -> dict[str, str]:
        del step
        return {}

    def ended(self, step: Step, answer: Answer, seconds: float) -> None:
        """Nobody watches."""


@settings(FUZZ, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps(), ORDERS, ANSWERS, st.sampled_from([200, 201, 409, 503]), TEXTS | DOTS)
def test_an_order_has_its_requests_or_a_reason(
    caplog: pytest.LogCaptureFixture, made: Any, content: Any, answered: Any, status: int, field: str
) -> None:
    caplog.set_level(logging.DEBUG)
    try:
        parsed = [parse_step(step) for step in made]
        body = dumped([[], {"order": content}, {}])
        given_order = envelope.read(body=body, headers={}, correlation_id="o-1", routing_key="bistro")
    except (ValueError, TypeError, Malformed, Undecodable):
        return
    how = route(steps=[step.as_json() for step in parsed])
    merchant = Merchant(id="bistro", endpoint="https://bistro.example", fields={"x": field})
    client = Answering(status, dumped(answered))
    try:
        result = attempt(given_order, merchant, how, client, client)
    except UnusableEndpoint:
        return
    decision: Done[Order] | ToLadder[Order] | ToDead[Order] = decisions.after_attempt(
        given_order, result, how, health=MerchantHealth(), draw=0.5, now=1.0
    )
    journal = json.loads(decision.order.encode(how.steps))[2]["merchantroute"]
    assert envelope.read(
        body=decision.order.encode(how.steps), headers={}, correlation_id="o-1", routing_key="bistro"
    ).journal.captured == journal.get("captured", {})
    if result.problem is not None:
        assert isinstance(decision, ToDead)
        assert (decision.why.reason, bool(decision.why.answer_text)) == ("request-not-built", True)
    told = [result.problem, result.answer.text if result.answer else None, caplog.text]
    assert not [text for text in told if text and MARK in text]
