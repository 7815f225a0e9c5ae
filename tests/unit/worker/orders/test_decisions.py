"""Decisions about orders, before they get a slot and after an attempt."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchantroute_worker.orders import decisions
from merchantroute_worker.orders.answers import FAILURES, Answer, Meaning
from merchantroute_worker.orders.attempt_result import Attempt, MerchantHealth
from merchantroute_worker.orders.decisions import Run
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.messages import DeathReason
from merchantroute_worker.orders.outcome import Done, ToDead, ToLadder
from merchantroute_worker.orders.route import parse
from merchantroute_worker.orders.task_body import Malformed
from tests.unit.worker.samples import INDEX, ROUTE, order, route

NOW = 2_000.0
FAILED = {"v": 1, "steps": ROUTE["steps"], "done": ["validate"], "attempts": 2, "refusals": 1}


def before(headers: dict[str, Any] | None = None, **more: Any) -> Run | ToLadder[Order] | ToDead[Order]:
    merchant = more.pop("merchant", "bistro")
    one = order(headers=headers, merchant=merchant)
    return decisions.before_slot(one, headers or {}, route(**more), now=NOW, unknown_after=300.0)


def test_an_order_runs_and_one_that_nobody_stamped_is_stamped() -> None:
    decision = before()

    assert isinstance(decision, Run)
    assert decision.merchant.endpoint == "https://bistro.example/v1"
    assert decision.order.published_at == NOW


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"expires": "1970-01-01T00:33:19+00:00"}, "expired"),
        ({"expires": "1970-01-01T00:33:19"}, "expired"),
        ({"mr-published-at": 1_000}, "max-age"),
    ],
)
def test_what_is_too_old_is_dead(headers: dict[str, Any], reason: str) -> None:
    decision = before(headers, maxAgeMs=60_000)

    assert isinstance(decision, ToDead)
    assert decision.why.reason == reason


@pytest.mark.parametrize(
    ("eta", "rung"),
    [("1970-01-01T00:33:20.5+00:00", None), ("1970-01-01T00:33:22+00:00", 1_000), ("1970-01-01T01:00:00Z", 120_000)],
)
def test_an_eta_beyond_a_second_goes_to_the_ladder(eta: str, rung: int | None) -> None:
    decision = before({"eta": eta})

    assert (decision.rung if isinstance(decision, ToLadder) else None) == rung


@pytest.mark.parametrize(("eta", "reason"), [(NOW + 60, None), (NOW - 50, None), (NOW - 70, "max-age")])
def test_the_age_of_an_order_with_an_eta_counts_from_when_it_is_due(eta: float, reason: str | None) -> None:
    due = datetime.fromtimestamp(eta, UTC).isoformat()

    decision = before({"mr-published-at": 1_000, "eta": due}, maxAgeMs=60_000)

    assert (decision.why.reason if isinstance(decision, ToDead) else None) == reason


@pytest.mark.parametrize("headers", [{"eta": "soon"}, {"expires": 12}, {"eta": ["x"]}])
def test_a_time_that_cannot_be_read_makes_the_order_malformed(headers: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        before(headers)


def test_an_unlisted_merchant_has_the_default_endpoint() -> None:
    decision = before(merchant="a/b", defaultEndpoint="https://pos.example/{merchant}")

    assert isinstance(decision, Run)
    assert decision.merchant.endpoint == "https://pos.example/a%2Fb"


def test_a_merchant_whose_credentials_are_not_here_is_not_called_without_them() -> None:
    entry = {"tier": "standard", "endpoint": "https://pos.example", "credentials": "Bearer"}
    merchants = [{"v": 1, "merchants": {"bistro": entry}}]
    given = parse(index=INDEX, route=ROUTE, merchants=merchants, credentials=[])

    decision = decisions.before_slot(order(), {}, given, now=NOW, unknown_after=300.0)

    assert isinstance(decision, ToLadder)
    assert (decision.reason, decision.order.journal.attempts) == ("credentials", 0)


@pytest.mark.parametrize(
    ("first_seen", "dead"),
    [
        # rendered at 1,000 s; now is 2,000 s
        (None, False),
        (1_500.0, False),  # nothing rendered since
        (900.0, True),  # the configuration had its chance, and five minutes have passed
    ],
)
def test_an_unknown_merchant_s_order_waits_for_the_configuration(first_seen: float | None, dead: bool) -> None:
    headers = {} if first_seen is None else {"mr-first-seen": round(first_seen * 1000)}
    decision = before(headers, merchant="stranger")

    assert isinstance(decision, ToDead if dead else ToLadder)
    assert decision.order.first_seen == (NOW if first_seen is None else first_seen)
    assert decision.order.journal.attempts == 0


def after(answer: Answer | None, *, slow: bool = False, journal: dict[str, Any] | None = FAILED, **more: Any) -> Any:
    health = more.pop("health", None) or MerchantHealth(slow=slow)
    given = route(maxAttempts=4, **more)
    step = given.steps[1] if answer else None
    result = Attempt(done=("validate",) if answer else ("validate", "confirm"), step=step, answer=answer)
    return decisions.after_attempt(order(journal=journal), result, given, health=health, draw=0.0, now=NOW)


def test_an_order_whose_steps_are_done_is_done() -> None:
    decision = after(None)

    assert isinstance(decision, Done)
    assert decision.order.journal.attempts == 3


def test_a_failed_attempt_is_counted_and_the_journal_goes_with_the_order() -> None:
    decision = after(Answer(status=503), journal=None)

    assert isinstance(decision, ToLadder)
    assert (decision.rung, decision.reason, decision.outcome) == (1_000, "5xx", "retried")
    journal = decision.order.journal
    assert (journal.attempts, journal.done) == (1, ("validate",))
    assert [step.name for step in journal.steps or ()] == ["validate", "confirm"]


def test_an_order_of_which_no_call_may_be_made_is_dead_at_once_whatever_is_known_of_its_merchant() -> None:
    decision = after(Answer(failure="forbidden", cause="it leads to a loopback address (127.0.0.1)"), slow=True)

    assert isinstance(decision, ToDead)
    assert (decision.why.reason, decision.why.answer_class) == ("forbidden-address", "forbidden")
    assert decision.why.answer_text == "it leads to a loopback address (127.0.0.1)"


@pytest.mark.parametrize("failure", sorted(FAILURES))
def test_that_a_slow_merchant_gave_no_answer_is_not_counted(failure: str) -> None:
    counted, uncounted = after(Answer(failure=failure)), after(Answer(failure=failure), slow=True)

    assert (counted.order.journal.attempts, counted.order.journal.refusals) == (3, 1)
    assert (uncounted.order.journal.attempts, uncounted.order.journal.refusals) == (2, 2)
    assert uncounted.rung == 120_000
    assert uncounted.order.journal.answer == failure


@pytest.mark.parametrize(("status", "attempts"), [(500, 2), (503, 2), (408, 3), (425, 3)])
def test_a_server_error_of_a_slow_merchant_is_not_counted_and_another_answer_is(status: int, attempts: int) -> None:
    assert after(Answer(status=status), slow=True).order.journal.attempts == attempts
    assert after(Answer(status=status)).order.journal.attempts == 3


@pytest.mark.parametrize("journal", [None, FAILED, {**FAILED, "attempts": 3}])
@pytest.mark.parametrize("answer", [Answer(status=429), Answer(status=429, retry_after=5), Answer(503, retry_after=5)])
def test_an_answer_that_pauses_the_merchant_is_never_counted(answer: Answer, journal: dict[str, Any] | None) -> None:
    decision = after(answer, journal=journal, health=MerchantHealth(wait=5.0), retryAfterMaxMs=600_000)

    before = (journal or {}).get("attempts", 0), (journal or {}).get("refusals", 0)
    assert (decision.outcome, decision.rung) == ("retried", 15_000)
    assert (decision.order.journal.attempts, decision.order.journal.refusals) == (before[0], before[1] + 1)


def test_a_route_that_heeds_no_retry_after_counts_a_503_with_one() -> None:
    assert after(Answer(503, retry_after=5), retryAfterMaxMs=0).order.journal.attempts == 3


@pytest.mark.parametrize(("wait", "rung"), [(0.0, 1_000), (1.0, 1_000), (14.0, 1_000), (20.0, 15_000)])
@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_the_merchant_refuses_are_not_counted_against_the_order(
    status: int, wait: float, rung: int
) -> None:
    health = MerchantHealth(credentials_refused=True, wait=wait)
    decision = after(Answer(status=status), health=health, journal={**FAILED, "attempts": 3})

    assert (decision.outcome, decision.reason, decision.rung) == ("retried", "credentials-refused", rung)
    assert (decision.order.journal.attempts, decision.order.journal.refusals) == (3, 2)


def test_a_403_that_a_healthy_merchant_gives_one_order_three_times_is_final() -> None:
    journal: dict[str, Any] | None = None
    for attempts in (1, 2):
        again = after(Answer(status=403), journal=journal)
        assert (again.outcome, again.order.journal.attempts) == ("retried", attempts)
        journal = {**FAILED, "attempts": attempts, "answer": "4xx", "answerText": "HTTP 403"}
    dead = after(Answer(status=403), journal=journal)

    assert (dead.why.reason, dead.why.attempts, dead.why.answer_text) == ("merchant-rejected", 3, "HTTP 403")
    other = after(Answer(status=403), journal={**FAILED, "answerText": "HTTP 503"})
    assert other.outcome == "retried"


def test_a_row_of_the_route_for_401_counts_whatever_the_merchant_s_run() -> None:
    health = MerchantHealth(credentials_refused=True, slow=True)
    dead, again = (after(Answer(401), health=health, answers={"401": row}) for row in ("Dead", "Retry"))

    assert dead.why.reason == "merchant-rejected"
    assert (again.reason, again.order.journal.attempts) == ("4xx", 3)


def test_names_that_our_own_name_server_fails_to_resolve_are_not_counted() -> None:
    ours, theirs = (after(Answer(failure="dns"), health=MerchantHealth(names_fail=own)) for own in (True, False))

    assert (ours.reason, ours.order.journal.attempts) == ("dns", 2)
    assert theirs.order.journal.attempts == 3


ANY_ANSWER = st.one_of(
    st.builds(Answer, status=st.integers(300, 599), retry_after=st.none() | st.floats(0, 1e9)),
    st.builds(Answer, failure=st.sampled_from(sorted(FAILURES))),
)
ANY_HEALTH = st.builds(
    MerchantHealth,
    slow=st.booleans(),
    wait=st.floats(0, 3_600),
    credentials_refused=st.booleans(),
    names_fail=st.booleans(),
)


@given(answer=ANY_ANSWER, health=ANY_HEALTH, most_ms=st.sampled_from([0, 600_000]), attempts=st.integers(0, 3))
def test_an_attempt_counts_or_is_a_refusal_and_what_is_final_by_the_table_is_dead_at_once(
    answer: Answer, health: MerchantHealth, most_ms: int, attempts: int
) -> None:
    decision = after(answer, health=health, journal={**FAILED, "attempts": attempts}, retryAfterMaxMs=most_ms)
    journal, meaning = decision.order.journal, route().table.meaning(answer)

    counted = journal.attempts - attempts
    assert (counted, journal.refusals) in {(1, 1), (0, 2)}
    if meaning is Meaning.FINAL:
        assert isinstance(decision, ToDead)
    if isinstance(decision, ToDead):
        assert counted == 1
        assert meaning is not Meaning.DENIED or not health.credentials_refused
    if health == MerchantHealth(wait=health.wait) and not answer.asks_to_wait:
        assert counted == 1, "nothing speaks against the merchant"


@given(wait=st.floats(0, 1e6), reason=st.sampled_from(["paused", "rate-limit", "credentials-refused"]))
def test_an_order_that_its_merchant_wants_later_waits_uncounted(wait: float, reason: str) -> None:
    decision = decisions.waits(order(journal=FAILED), route(), reason, wait=wait)

    outcome = "refused" if reason == "credentials-refused" else "deferred"
    assert (decision.outcome, decision.reason) == (outcome, reason)
    assert (decision.order.journal.attempts, decision.order.journal.refusals) == (2, 2)
    assert decision.rung == 1_000 or decision.rung <= wait * 1000


@pytest.mark.parametrize("slow", [False, True])
def test_a_route_may_give_up_at_once_or_try_again_where_the_default_does_not(slow: bool) -> None:
    rows = {"tls": "Dead", "404": "Retry"}
    dead, again = (after(answer, slow=slow, answers=rows) for answer in (Answer(failure="tls"), Answer(status=404)))

    assert (dead.why.reason, dead.why.step, dead.why.answer_class) == ("merchant-rejected", "confirm", "tls")
    assert (again.outcome, again.order.journal.attempts) == ("retried", 3)


@pytest.mark.parametrize(
    ("asked", "most_ms", "rung", "until"),
    [
        # a rung is long enough
        (16, 600_000, 120_000, None),
        (120, 600_000, 120_000, None),
        # none is: the longest, and round again until then
        (121, 600_000, 120_000, NOW + 121),
        # bounded by the route
        (3_600, 600_000, 120_000, NOW + 600),
        (float("inf"), 600_000, 120_000, NOW + 600),
        (3_600, 15_000, 15_000, None),
        # not heeded: as long as the pod itself pauses the merchant
        (3_600, 0, 1_000, None),
        # without a word of the route, by the longest rung
        (3_600, None, 120_000, None),
    ],
)
def test_a_merchant_s_retry_after_is_honoured_up_to_the_route_s_bound(
    asked: float, most_ms: int | None, rung: int, until: float | None
) -> None:
    more: dict[str, Any] = {} if most_ms is None else {"retryAfterMaxMs": most_ms}
    decision = after(Answer(status=429, retry_after=asked), **more)

    assert (decision.rung, decision.order.journal.not_before) == (rung, until)


@pytest.mark.parametrize(("seconds", "rung"), [(0.5, None), (20, 15_000), (300, 120_000)])
def test_an_order_that_comes_back_before_its_merchant_wants_it_goes_round_uncounted(
    seconds: float, rung: int | None
) -> None:
    journal = {**FAILED, "notBefore": round((NOW + seconds) * 1000)}
    decision = decisions.before_slot(order(journal=journal), {}, route(), now=NOW, unknown_after=300.0)

    if rung is None:
        assert isinstance(decision, Run)
    else:
        assert isinstance(decision, ToLadder)
        assert (decision.rung, decision.reason, decision.outcome) == (rung, "retry-after", "deferred")
        assert (decision.order.journal.attempts, decision.order.journal.refusals) == (2, 2)
        assert decision.order.journal.not_before == NOW + seconds


def test_a_wait_that_is_over_is_forgotten_with_the_next_attempt() -> None:
    assert after(Answer(status=503), journal={**FAILED, "notBefore": 1}).order.journal.not_before is None


STEPS = [
    {"name": "validate", "method": "POST", "path": "/v"},
    {"name": "submit", "method": "POST", "path": "/s", "verify": {"method": "GET", "path": "/s/{order_id}"}},
    {"name": "confirm", "method": "GET", "path": "/c"},
]


@pytest.mark.parametrize(
    ("may_have_run", "done", "unsure"),
    [
        (False, [], ()),
        # the pod that had it may have made any call that is left; only where the merchant can be asked does it matter
        (True, [], ("submit",)),
        (True, ["validate"], ("submit",)),
        (True, ["validate", "submit"], ()),
    ],
)
def test_an_order_that_a_pod_gave_no_outcome_for_is_in_doubt(
    may_have_run: bool, done: list[str], unsure: tuple[str, ...]
) -> None:
    one = order(journal={**FAILED, "steps": STEPS, "done": done})
    decision = decisions.before_slot(one, {}, route(), now=NOW, unknown_after=300.0, may_have_run=may_have_run)

    assert decision.order.journal.unsure == unsure


def test_a_letter_of_an_order_that_is_too_old_says_where_it_stood_and_what_it_last_met() -> None:
    journal = {**FAILED, "answer": "timeout"}
    headers = {"mr-published-at": 1_000}
    too_old = decisions.before_slot(
        order(journal=journal, headers=headers), headers, route(maxAgeMs=60_000), now=NOW, unknown_after=300.0
    )

    assert isinstance(too_old, ToDead)
    assert too_old.why == DeathReason(reason="max-age", step="confirm", attempts=2, answer_class="timeout")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (
            Answer(failure="tls", cause="the merchant's certificate is not valid"),
            "the merchant's certificate is not valid",
        ),
        (Answer(failure="reset"), "reset"),
        (Answer(status=503), "HTTP 503"),
    ],
)
def test_the_last_answer_is_told_in_words_also_long_after_it(answer: Answer, text: str) -> None:
    waiting = after(answer, slow=True).order
    again = decisions.refused(waiting, route(), "slow").order
    late = decisions.before_slot(
        replace(again, published_at=NOW), {}, route(maxAgeMs=60_000), now=NOW + 1e6, unknown_after=300.0
    )

    assert isinstance(late, ToDead)
    assert (late.why.reason, late.why.answer_text) == ("max-age", text)


def test_a_letter_of_an_order_that_never_began_names_its_first_step() -> None:
    decision = before({"mr-published-at": 1_000}, maxAgeMs=60_000)

    assert isinstance(decision, ToDead)
    assert decision.why == DeathReason(reason="max-age", step="validate", attempts=0, answer_class="none")


@pytest.mark.parametrize(
    ("answer", "reason", "label"),
    [(Answer(status=422), "merchant-rejected", "4xx"), (Answer(status=302), "merchant-rejected", "3xx")],
)
def test_a_final_answer_is_dead_at_once(answer: Answer, reason: str, label: str) -> None:
    decision = after(answer)

    assert isinstance(decision, ToDead)
    assert (decision.why.reason, decision.why.step, decision.why.answer_class) == (reason, "confirm", label)


def test_the_last_attempt_is_the_last() -> None:
    decision = after(Answer(status=500), journal={**FAILED, "attempts": 3})

    assert isinstance(decision, ToDead)
    assert (decision.why.reason, decision.why.attempts) == ("attempts-exhausted", 4)


def test_a_refused_order_is_not_counted() -> None:
    decision = decisions.refused(order(journal=FAILED), route(), "cap")

    assert (decision.rung, decision.outcome, decision.reason, decision.at_once) == (1_000, "refused", "cap", False)
    assert (decision.order.journal.attempts, decision.order.journal.refusals) == (2, 2)
