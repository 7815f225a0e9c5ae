"""The calls of an attempt, and its result."""

from dataclasses import dataclass, replace
from typing import Any

import gevent
import pytest

from merchantroute_worker.calls.attempt import attempt
from merchantroute_worker.calls.http_client import Reply
from merchantroute_worker.calls.request import Request
from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.attempt_result import Attempt
from merchantroute_worker.orders.route import Merchant
from tests.unit.worker.calls.scripted_merchant import ScriptedMerchant
from tests.unit.worker.samples import order, route

STEPS = [
    {"name": "validate", "method": "POST", "path": "/v"},
    {"name": "submit", "method": "POST", "path": "/s", "verify": {"method": "GET", "path": "/s/{order_id}"}},
    {"name": "confirm", "method": "GET", "path": "/c"},
]
MERCHANT = Merchant(id="bistro", endpoint="https://bistro.example")
Ends = dict[str, list[int | OSError]]


def run(
    ends: Ends, *, unsure: tuple[str, ...] = (), steps: Any = STEPS, **more: Any
) -> tuple[Attempt, ScriptedMerchant]:
    journal = {"v": 1, "steps": steps, "done": ["validate"], "attempts": 1, "refusals": 0, "unsure": list(unsure)}
    script = ScriptedMerchant(ends)
    return attempt(order(journal=journal), MERCHANT, route(**more), script, script), script


def test_a_sure_step_is_made_without_asking() -> None:
    result, script = run({})

    assert script.calls == ["POST /s", "GET /c"]
    assert (result.done, result.answer, result.unsure) == (("validate", "submit", "confirm"), None, ())


@pytest.mark.parametrize(
    ("end", "label", "unsure"),
    [
        (TimeoutError(), "timeout", ("submit",)),
        (ConnectionResetError(), "reset", ("submit",)),
        (502, "5xx", ("submit",)),
        # it never got there, or said clearly that it did nothing
        (ConnectionRefusedError(), "refused", ()),
        (429, "429", ()),
        (422, "4xx", ()),
    ],
)
def test_a_call_whose_end_nobody_knows_makes_its_step_unsure(
    end: int | OSError, label: str, unsure: tuple[str, ...]
) -> None:
    result, _ = run({"POST /s": [end]})

    assert (result.done, result.unsure) == (("validate",), unsure)
    assert result.answer is not None
    assert result.answer.label == label


def test_where_nobody_can_be_asked_no_step_is_unsure() -> None:
    result, _ = run({"POST /s": [TimeoutError()]}, steps=[STEPS[0], {"name": "submit", "method": "POST", "path": "/s"}])

    assert result.unsure == ()


def test_a_step_that_the_merchant_has_done_is_not_made_again() -> None:
    result, script = run({}, unsure=("submit",))

    assert script.calls == ["GET /s/o-1", "GET /c"]
    assert script.watched == ["submit.verify", "submit.verify 2xx", "confirm", "confirm 2xx"]
    assert (result.done, result.answer, result.unsure) == (("validate", "submit", "confirm"), None, ())


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("rows", [{}, {"404": "Retry"}, {"404": "Done", "410": "Done"}])
def test_a_step_that_the_merchant_has_not_done_is_made_whatever_the_table_says(
    status: int, rows: dict[str, str]
) -> None:
    result, script = run({"GET /s/o-1": [status]}, unsure=("submit",), answers=rows)

    assert script.calls == ["GET /s/o-1", "POST /s", "GET /c"]
    assert (result.answer, result.unsure) == (None, ())


@pytest.mark.parametrize("end", [503, 429, 401, TimeoutError(), ConnectionRefusedError()])
def test_a_question_without_a_clear_answer_ends_the_attempt_and_the_doubt_stays(end: int | OSError) -> None:
    result, script = run({"GET /s/o-1": [end]}, unsure=("submit",))

    assert script.calls == ["GET /s/o-1"]
    assert (result.done, result.unsure) == (("validate",), ("submit",))
    assert result.step is not None
    assert result.step.name == "submit"


def test_a_step_that_was_not_done_and_fails_clearly_is_sure_again() -> None:
    result, _ = run({"GET /s/o-1": [404], "POST /s": [ConnectionRefusedError()]}, unsure=("submit",))

    assert result.unsure == ()


def test_a_status_that_the_route_takes_for_done_goes_on_with_the_next_step() -> None:
    result, script = run({"POST /s": [409]}, answers={"409": "Done"})

    assert script.calls == ["POST /s", "GET /c"]
    assert (result.done, result.answer) == (("validate", "submit", "confirm"), None)


def test_a_question_gets_no_time_beyond_the_deadline() -> None:
    late = replace(route(), deadline=-1.0)
    script = ScriptedMerchant({})
    journal = {"v": 1, "steps": STEPS, "done": ["validate"], "attempts": 1, "refusals": 0, "unsure": ["submit"]}
    result = attempt(order(journal=journal), MERCHANT, late, script, script)

    assert script.calls == []
    assert result.unsure == ("submit",)
    assert result.answer == Answer(failure="timeout", cause="no time was left for the call")


@dataclass
class Slow(ScriptedMerchant):
    """A merchant that answers each call after so many seconds."""

    seconds: float = 0.0

    def call(self, request: Request) -> Reply:
        gevent.sleep(self.seconds)
        return super().call(request)


def test_each_call_has_its_whole_time_out() -> None:
    slow = Slow({}, seconds=0.4)
    given = route(steps=STEPS, callTimeoutMs=1000, deadlineMs=60_000)

    result = attempt(order(), MERCHANT, given, slow, slow)

    assert result == Attempt(done=("validate", "submit", "confirm"))
