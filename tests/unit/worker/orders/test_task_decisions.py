"""Decisions about messages of an app's own task, as a table."""

from dataclasses import replace
from typing import Any

import pytest

from merchantroute_worker.orders import task_decisions, task_message
from merchantroute_worker.orders.messages import Incoming
from merchantroute_worker.orders.outcome import ToDead, ToLadder
from merchantroute_worker.orders.task_body import Malformed
from merchantroute_worker.orders.task_decisions import RunTask
from merchantroute_worker.orders.task_message import TaskMessage
from tests.unit.worker.samples import route

NOW = 1_800_000_000.0
ROUTE = route()
LISTED = next(iter(ROUTE.merchants))


def message(**headers: Any) -> Incoming:
    known = {"id": "task-1", "task": "shop.cook", **headers}
    return Incoming(routing_key=LISTED, body=b"[[],{},{}]", properties={"correlation_id": "task-1"}, headers=known)


def task(**changes: Any) -> TaskMessage:
    return replace(task_message.read(message(), now=NOW), **changes)


def test_it_runs_with_the_route_s_deadline_and_without_what_celery_would_wait_for() -> None:
    decision = task_decisions.before_slot(task(eta=NOW + 0.5), ROUTE, now=NOW)

    assert isinstance(decision, RunTask)
    assert decision.wait == pytest.approx(0.5)
    assert decision.headers["timelimit"] == [ROUTE.deadline, None]
    assert (decision.headers["eta"], decision.headers["expires"]) == (None, None)


@pytest.mark.parametrize(
    ("limits", "listed", "expected"),
    [
        ((1.0, None), True, [1.0, None]),  # the app's own, where it is shorter
        ((9_999.0, 5.0), True, [ROUTE.deadline, 5.0]),
        ((None, None), False, [None, None]),  # nobody's merchant: the app's own affair
        ((7.0, None), False, [7.0, None]),
    ],
)
def test_the_shorter_of_both_limits_holds(limits: Any, listed: bool, expected: Any) -> None:
    one = task(limits=limits, merchant=LISTED if listed else "nobody")
    decision = task_decisions.before_slot(one, replace(ROUTE, default_endpoint=None), now=NOW)
    assert isinstance(decision, RunTask)
    assert decision.headers["timelimit"] == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"expires": NOW - 1}, "expired"), ({"published_at": NOW - ROUTE.max_age - 1}, "max-age")],
)
def test_what_is_too_late_is_dead(changes: Any, reason: str) -> None:
    decision = task_decisions.before_slot(task(**changes), ROUTE, now=NOW)
    assert isinstance(decision, ToDead)
    assert decision.why.reason == reason


@pytest.mark.parametrize(("after", "dead"), [(-60.0, False), (ROUTE.max_age - 1, False), (ROUTE.max_age + 1, True)])
def test_the_age_of_a_task_with_an_eta_counts_from_when_it_is_due(after: float, dead: bool) -> None:
    one = task(published_at=NOW - 10 * ROUTE.max_age, eta=NOW - after)
    assert isinstance(task_decisions.before_slot(one, ROUTE, now=NOW), ToDead) is dead


def test_an_eta_waits_on_the_ladder_uncounted() -> None:
    decision = task_decisions.before_slot(task(eta=NOW + 3_600), ROUTE, now=NOW)
    assert isinstance(decision, ToLadder)
    assert (decision.rung, decision.outcome, decision.order.refusals) == (ROUTE.delays[-1], "deferred", 0)


@pytest.mark.parametrize(
    ("merchant", "limit", "timeout"),
    [
        (LISTED, None, 30.0),
        (LISTED, 5.0, 5.0),
        (LISTED, 300.0, 30.0),
        ("unlisted", None, 30.0),
        ("unlisted", 300.0, 300.0),
    ],
)
def test_it_is_judged_by_the_time_limit_that_holds_for_it(merchant: str, limit: float | None, timeout: float) -> None:
    decision = task_decisions.before_slot(task(merchant=merchant, limits=(limit, None)), ROUTE, now=NOW)
    assert isinstance(decision, RunTask)
    assert decision.timeout == timeout


def test_a_refusal_is_counted_apart_from_attempts() -> None:
    first = task_decisions.refused(task(), ROUTE, "cap")
    later = task_decisions.refused(task(refusals=9), ROUTE, "slow", at_once=True)
    assert (first.rung, first.reason, first.at_once) == (1_000, "cap", False)
    assert (later.rung, later.reason, later.at_once) == (ROUTE.delays[-1], "slow", True)
    assert (later.order.refusals, later.order.attempts) == (10, 0)


def test_what_a_pod_knows_of_it_travels_in_its_headers() -> None:
    waiting = task_decisions.deferred(task(refusals=1, attempts=3), ROUTE, "requeued")
    headers = waiting.order.rung_headers(waiting.rung)
    assert headers["mr-rung"] == str(ROUTE.delays[-1])
    again = task_message.read(message(**headers), now=NOW + 60)
    assert (again.refusals, again.attempts, again.published_at) == (2, 3, NOW)


def test_time_outs_count_until_there_were_enough_but_not_while_the_merchant_is_slow() -> None:
    last = task(attempts=ROUTE.max_attempts - 1)
    decision = task_decisions.after_timeout(last, ROUTE, slow=False)
    assert isinstance(decision, ToDead)
    assert (decision.why.reason, decision.why.answer_class) == ("attempts-exhausted", "timeout")
    uncounted = task_decisions.after_timeout(last, ROUTE, slow=True)
    assert isinstance(uncounted, ToLadder)
    assert uncounted.order.attempts == ROUTE.max_attempts - 1


@pytest.mark.parametrize("headers", [{"id": 7}, {"eta": "soon"}, {"expires": {}}])
def test_headers_that_make_no_sense_are_malformed(headers: Any) -> None:
    one = message(**headers)
    with pytest.raises(Malformed):
        task_message.read(one._replace(properties={}), now=NOW)


def test_two_retries_of_one_task_are_two_stays() -> None:
    keys = {task_message.read(message(retries=n), now=NOW).delivery_key for n in range(3)}
    assert len(keys) == 3


def test_a_task_that_called_what_the_route_does_not_allow_says_where_in_words_that_a_header_can_hold() -> None:
    task = task_message.read(message(), now=NOW)

    why = task_decisions.forbidden(task, "it leads to\n10.0.0.1 \ud800" + "x" * 300).why

    assert (why.reason, why.answer_class) == ("forbidden-address", "forbidden")
    assert why.answer_text is not None
    assert why.answer_text.startswith("it leads to?10.0.0.1 ?x")
    assert len(why.answer_text) == 200
    assert task_decisions.forbidden(task, "").why.answer_text is None
