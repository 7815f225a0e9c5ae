"""What each answer tells the bulkhead about its merchant."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from merchantroute_worker.bulkhead.rule import Verdict
from merchantroute_worker.calls.http_client import HttpClient
from merchantroute_worker.config.identity import from_environment
from merchantroute_worker.delivery.call_observer import CallObserver
from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.decisions import Run
from merchantroute_worker.orders.route import Credential, Merchant
from merchantroute_worker.outcomes.ack_batch import ImmediateAcks
from merchantroute_worker.pod import Pod
from tests.unit.worker.samples import order, route

WHERE = {"MR_NAMESPACE": "orders", "MR_ROUTE": "pos", "MR_TIER": "standard", "MR_POD": "pod-1"}
OLD, NEW = (Credential(header="Authorization", value=f"Bearer {word}") for word in ("old", "new"))
MERCHANT = Merchant(id="bistro", endpoint="https://bistro.example", credential=OLD)


def seen(*answers: Answer, now: Credential = OLD, own_orders: bool = True, **changes: Any) -> Pod:
    """A pod that got these answers, each to an order of its own, or all to one; `now` is the present credential."""
    given = replace(route(**{"retryAfterMaxMs": 600_000, **changes}), credentials={"bistro": now})
    pod = Pod(from_environment(WHERE), 20, HttpClient(20), ImmediateAcks())
    ports: Any = pod
    ports.files = SimpleNamespace(current=given, generation=7)
    pod.bulkhead.acquire("bistro", "slot", pod.clock.now())
    trace: Any = SimpleNamespace(begins=lambda _: {}, ended=lambda _: None)
    for number, answer in enumerate(answers):
        run = Run(order=replace(order(), id=f"o-{number if own_orders else 0}"), merchant=MERCHANT)
        observer = CallObserver(pod, run, given, "slot", trace)
        observer.begins(given.steps[0])
        observer.ended(given.steps[0], answer, 0.1)
    return pod


def test_a_merchant_that_leads_where_no_call_may_go_is_told_and_neither_slow_nor_failing() -> None:
    forbidden = Answer(failure="forbidden", cause="it leads to a loopback address (127.0.0.1)")

    assert verdict(seen(*[forbidden] * 9)) is Verdict.ADMIT
    assert seen(forbidden).forbidden_merchants.names(0.0) == ["bistro"]
    assert not seen(forbidden, Answer(404)).forbidden_merchants.met
    assert not seen(forbidden, Answer(200)).forbidden_merchants.met
    assert seen(forbidden, Answer(failure="dns")).forbidden_merchants.met
    assert not forbidden.is_merchants_failure


def verdict(pod: Pod) -> Verdict:
    return pod.bulkhead.decide("bistro", pod.clock.now())


@pytest.mark.parametrize(
    ("answers", "then"),
    [
        ([Answer(200)] * 3, Verdict.ADMIT),
        ([Answer(404)] * 3, Verdict.ADMIT),
        ([Answer(500)] * 2, Verdict.ADMIT),
        ([Answer(500)] * 3, Verdict.SLOW),
        ([Answer(503)] * 3, Verdict.SLOW),
        ([Answer(500), Answer(500), Answer(200), Answer(500)], Verdict.ADMIT),
        ([Answer(503), Answer(503), Answer(409), Answer(503)], Verdict.ADMIT),
        ([Answer(429)], Verdict.PAUSED),
        ([Answer(503, retry_after=9.0)], Verdict.PAUSED),
        ([Answer(409, retry_after=9.0)], Verdict.ADMIT),
        ([Answer(401)], Verdict.CREDENTIALS),
        ([Answer(200), Answer(403)], Verdict.ADMIT),
        ([Answer(403)], Verdict.CREDENTIALS),
        ([Answer(200), Answer(403), Answer(403), Answer(403)], Verdict.CREDENTIALS),
        ([Answer(200), Answer(401), Answer(200)], Verdict.ADMIT),
        ([Answer(failure="refused")] * 3, Verdict.SLOW),
        ([Answer(failure="dns")] * 3, Verdict.SLOW),
        ([Answer(failure="timeout")] * 3, Verdict.SLOW),
    ],
)
def test_what_answers_mean_for_the_merchant_s_next_order(answers: list[Answer], then: Verdict) -> None:
    assert verdict(seen(*answers)) is then


@pytest.mark.parametrize(
    ("status", "then"),
    [
        (500, Verdict.ADMIT), (501, Verdict.ADMIT), (502, Verdict.SLOW), (503, Verdict.SLOW), (504, Verdict.SLOW),
        (505, Verdict.ADMIT), (521, Verdict.SLOW), (530, Verdict.SLOW),
    ],
)  # fmt: skip
def test_one_order_alone_makes_its_merchant_slow_only_by_an_answer_for_a_server_that_is_away(
    status: int, then: Verdict
) -> None:
    assert verdict(seen(*[Answer(status)] * 9, own_orders=False)) is then


@pytest.mark.parametrize(
    ("answer", "rows"),
    [
        (Answer(401), {"401": "Dead"}),
        (Answer(401), {"401": "Retry"}),
        (Answer(429), {"429": "Dead"}),
        (Answer(503, retry_after=9.0), {"503": "Done"}),
    ],
)
def test_where_the_route_says_what_an_answer_means_it_says_nothing_of_the_merchant(
    answer: Answer, rows: dict[str, str]
) -> None:
    assert verdict(seen(answer, answer, answer, answers=rows)) is Verdict.ADMIT


def test_a_refusal_of_credentials_that_were_replaced_meanwhile_says_nothing() -> None:
    assert verdict(seen(Answer(401), now=NEW)) is Verdict.ADMIT


@pytest.mark.parametrize(("asked", "most_ms", "left"), [(30.0, 600_000, 30), (3_000.0, 60_000, 60), (1e9, 1e8, 3_600)])
def test_a_merchant_is_paused_as_long_as_it_asks_and_the_route_allows(asked: float, most_ms: int, left: int) -> None:
    pod = seen(Answer(429, retry_after=asked), retryAfterMaxMs=most_ms)

    assert pod.bulkhead.refusals.wait("bistro", pod.clock.now()) == pytest.approx(left, abs=2)


@pytest.mark.parametrize("then", [Answer(422), Answer(401)])
def test_refused_credentials_end_with_an_answer_about_the_order_or_a_row_of_the_route(then: Answer) -> None:
    pod = seen(Answer(401))
    row = route(answers={"401": "Dead"})
    ports: Any = pod
    ports.files = SimpleNamespace(current=replace(row, credentials={"bistro": OLD}), generation=8)
    trace: Any = SimpleNamespace(begins=lambda _: {}, ended=lambda _: None)
    observer = CallObserver(pod, Run(order=order(), merchant=MERCHANT), row, "slot", trace)
    observer.begins(row.steps[0])

    observer.ended(row.steps[0], then, 0.1)

    assert not pod.bulkhead.refusals.refuses_credentials("bistro")
