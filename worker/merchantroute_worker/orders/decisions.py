"""Decides about an order, before it gets a slot and after an attempt. Pure: values in, one decision out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from merchantroute_worker.orders import ladder
from merchantroute_worker.orders.answers import FORBIDDEN, Answer, Meaning
from merchantroute_worker.orders.attempt_result import Attempt, MerchantHealth
from merchantroute_worker.orders.envelope import ETA_WORTH_WAITING, Journal, Order, header_time
from merchantroute_worker.orders.messages import DeathReason
from merchantroute_worker.orders.outcome import Done, LadderOutcome, ToDead, ToLadder
from merchantroute_worker.orders.route import Merchant, Route
from merchantroute_worker.orders.steps.step import Step

FORBIDDEN_ATTEMPTS = 3
"""Attempts answered 403 after which an order is final whose merchant takes others: while a token is being rotated, the
first orders of a pod look the same."""
CREDENTIALS_REFUSED = "credentials-refused"
NOT_BUILT = "request-not-built"
"""An order that has no such request: what a step needs of it, or of an answer, is not there or cannot stand there."""


class Run(NamedTuple):
    """Decision: ask the bulkhead for a slot, then make the calls."""

    order: Order
    merchant: Merchant


def before_slot(
    order: Order,
    headers: Mapping[str, Any],
    route: Route,
    *,
    now: float,
    unknown_after: float,
    may_have_run: bool = False,
) -> Run | ToLadder[Order] | ToDead[Order]:
    """Decide whether the order may run now. Malformed when its ETA or expiry cannot be parsed. Times are epoch seconds;
    `may_have_run` means that a pod had the order without an outcome, so that any remaining call may have been made.
    """
    published_at = _not_in_future(order.published_at, now)
    if published_at != order.published_at:
        order = replace(order, published_at=published_at)
    expires, eta = header_time(headers, "expires"), header_time(headers, "eta")
    if expires is not None and expires <= now:
        return ToDead(order=order, why=death_reason(order, route, "expired"))
    if now - max(published_at, eta or 0.0) > route.max_age:
        return ToDead(order=order, why=death_reason(order, route, "max-age"))
    if _is_key_open(order.journal, may_have_run=may_have_run) and route.shares_endpoint(order.merchant):
        order = order.with_journal(replace(order.journal, merchant_in_key=True))
    if may_have_run:
        order = _with_unsure_steps(order, route)
    not_before = order.journal.not_before
    if not_before is not None and not_before - now > ETA_WORTH_WAITING:
        return _deferred(order, "retry-after", ladder.before_eta(not_before - now, route.delays))
    if eta is not None and eta - now > ETA_WORTH_WAITING:
        journal = replace(order.journal, waits=order.journal.waits + 1)
        return _to_ladder(order, journal, ladder.before_eta(eta - now, route.delays_for_eta), "eta", "deferred")
    merchant = route.merchant(order.merchant)
    if merchant is None:
        return _unknown(order, route, now, unknown_after)
    if merchant.lock_reason is not None:
        return deferred(order, route, merchant.lock_reason)
    return Run(order=order, merchant=merchant)


def _is_key_open(journal: Journal, *, may_have_run: bool) -> bool:
    """Whether the form of its idempotency keys is still to be decided: it has no journal, so what an earlier pod may
    have sent had the form that is decided now, or no call was made.
    """
    called = may_have_run or journal.answer is not None or journal.attempts or journal.done or journal.unsure
    return journal.steps is None or not called


def refused(order: Order, route: Route, reason: str, *, at_once: bool = False) -> ToLadder[Order]:
    """To the ladder, or `at_once` to the merchant's own queue: the order got no slot, for this reason (see `NO_SLOT`).
    Not counted as an attempt.
    """
    rung = ladder.without_slot(order.journal.refusals, route.delays)
    return _to_ladder(order, _refusal(order), rung, reason, "refused", at_once=at_once)


def waits(order: Order, route: Route, reason: str, *, wait: float) -> ToLadder[Order]:
    """To the ladder: the merchant asked for time, limits the rate, or refuses the credentials, for so many seconds at
    least. Not counted as an attempt. Where a rate lets few of many orders begin, each waits longer with every round.
    """
    rung = ladder.before_eta(wait, route.delays)
    if reason == CREDENTIALS_REFUSED:
        return _to_ladder(order, _refusal(order), rung, reason, "refused")
    rung = max(rung, ladder.without_slot(order.journal.refusals, route.delays))
    return _to_ladder(order, _refusal(order), rung, reason, "deferred")


def deferred(order: Order, route: Route, reason: str) -> ToLadder[Order]:
    """To the ladder: no call was made, for a reason outside the order. Not counted as an attempt."""
    return _deferred(order, reason, ladder.after_refusal(order.journal.refusals, route.delays))


def after_attempt(
    order: Order, result: Attempt, route: Route, *, health: MerchantHealth, draw: float, now: float
) -> Done[Order] | ToLadder[Order] | ToDead[Order]:
    """Decide what the attempt's result means. What its merchant refuses, or what every order of it meets, does not
    count as an attempt, since that is no fault of the order.
    """
    before, answer = order.journal, result.answer
    journal = Journal(
        steps=before.steps or route.steps_of(order.merchant),
        done=result.done,
        attempts=before.attempts + 1,
        refusals=before.refusals,
        waits=before.waits,
        merchant_in_key=before.merchant_in_key,
        unsure=result.unsure,
        answer=answer.label if answer else None,
        answer_text=answer.text if answer else result.problem,
        captured=result.captured,
        own_attempts=_own_attempts(before, result),
    )
    if result.problem is not None:
        order = order.with_journal(journal)
        return ToDead(order=order, why=death_reason(order, route, NOT_BUILT))
    if answer is None:
        return Done(order=order.with_journal(journal))
    meaning = route.table_of(result.step).meaning(answer)
    if reason := _merchants_own(answer, meaning, route, health):
        uncounted = replace(
            journal, attempts=before.attempts, refusals=before.refusals + 1, own_attempts=before.own_attempts
        )
        return _for_the_merchant(order.with_journal(uncounted), answer, route, reason, health, now=now)
    order = order.with_journal(journal)
    if answer.failure == FORBIDDEN:
        return ToDead(order=order, why=death_reason(order, route, "forbidden-address"))
    if meaning is Meaning.FINAL or (meaning is Meaning.DENIED and _stays_forbidden(before, journal)):
        return ToDead(order=order, why=death_reason(order, route, "merchant-rejected"))
    if _is_last(journal, result.step, route):
        return ToDead(order=order, why=death_reason(order, route, "attempts-exhausted"))
    return _again(order, answer, route, draw=draw, now=now)


def _own_attempts(before: Journal, result: Attempt) -> Mapping[str, int]:
    step = result.step
    if step is None or step.shape is None or step.shape.max_attempts is None or result.problem is not None:
        return before.own_attempts
    return {**before.own_attempts, step.name: before.own_attempts.get(step.name, 0) + 1}


def _is_last(journal: Journal, step: Step | None, route: Route) -> bool:
    """Whether the order has had all its attempts: those of the step, where it limits them itself, or the route's."""
    own = None if step is None or step.shape is None else step.shape.max_attempts
    if step is not None and own is not None:
        return journal.own_attempts.get(step.name, 0) >= own
    return journal.attempts - sum(journal.own_attempts.values()) >= route.max_attempts


def _merchants_own(answer: Answer, meaning: Meaning, route: Route, health: MerchantHealth) -> str | None:
    """Why the attempt is uncounted: the answer is the merchant's to every order. None where it is the order's."""
    if meaning is Meaning.DENIED and health.credentials_refused:
        return CREDENTIALS_REFUSED
    if meaning is not Meaning.AGAIN:
        return None
    if route.is_paused_by(answer):
        return answer.label
    if answer.failure == "dns" and health.names_fail:
        return "dns"
    return "slow" if health.slow and (answer.status is None or answer.is_server_error) else None


def _for_the_merchant(
    order: Order, answer: Answer, route: Route, reason: str, health: MerchantHealth, *, now: float
) -> ToLadder[Order]:
    """To the ladder until the merchant takes orders again."""
    journal = order.journal
    if reason == CREDENTIALS_REFUSED:
        rung = ladder.before_eta(health.wait, route.delays)
    elif route.is_paused_by(answer):
        asked = min(answer.retry_after or health.wait, route.retry_after_max or health.wait)
        if ladder.is_too_long(asked, route.delays):
            journal = replace(journal, not_before=now + asked)
        rung = ladder.at_least(asked, route.delays)
    else:
        rung = ladder.after_refusal(journal.refusals - 1, route.delays)
    return _to_ladder(order, journal, rung, reason, "retried")


def _stays_forbidden(before: Journal, journal: Journal) -> bool:
    return journal.attempts >= FORBIDDEN_ATTEMPTS and before.answer_text == journal.answer_text


def death_reason(order: Order, route: Route, reason: str) -> DeathReason:
    """The details of a dead letter, with the first unfinished step and the class of the last answer."""
    journal = order.journal
    step = next((step.name for step in _remaining_steps(order, route)), None)
    return DeathReason(
        reason=reason,
        step=step,
        attempts=journal.attempts,
        answer_class=journal.answer or "none",
        answer_text=journal.answer_text,
    )


def _again(order: Order, answer: Answer, route: Route, *, draw: float, now: float) -> ToLadder[Order]:
    journal, asked = order.journal, answer.retry_after
    if asked is not None:
        asked = min(asked, route.retry_after_max)
        if ladder.is_too_long(asked, route.delays):
            journal = replace(journal, not_before=now + asked)
    rung = ladder.after_attempt(journal.attempts, route.delays, draw=draw, retry_after=asked)
    return _to_ladder(order, journal, rung, answer.label, "retried")


def _remaining_steps(order: Order, route: Route) -> list[Step]:
    return [
        step for step in order.journal.steps or route.steps_of(order.merchant) if step.name not in order.journal.done
    ]


def _with_unsure_steps(order: Order, route: Route) -> Order:
    unsure = {step.name for step in _remaining_steps(order, route) if step.verify} | set(order.journal.unsure)
    return order.with_journal(replace(order.journal, unsure=tuple(sorted(unsure))))


def _unknown(order: Order, route: Route, now: float, unknown_after: float) -> ToLadder[Order] | ToDead[Order]:
    first_seen = _not_in_future(order.first_seen, now)
    if route.rendered_at > first_seen and now - first_seen >= unknown_after:
        return ToDead(order=order, why=death_reason(order, route, "unknown-merchant"))
    order = replace(order, first_seen=first_seen)
    return _deferred(order, "unknown-merchant", ladder.after_refusal(order.journal.refusals, route.delays))


def _deferred(order: Order, reason: str, rung: int) -> ToLadder[Order]:
    return _to_ladder(order, _refusal(order), rung, reason, "deferred")


def _refusal(order: Order) -> Journal:
    return replace(order.journal, refusals=order.journal.refusals + 1)


def _to_ladder(
    order: Order, journal: Journal, rung: int, reason: str, outcome: LadderOutcome, *, at_once: bool = False
) -> ToLadder[Order]:
    return ToLadder(order=order.with_journal(journal), rung=rung, reason=reason, outcome=outcome, at_once=at_once)


def _not_in_future(stamp: float | None, now: float) -> float:
    """The timestamp, or now if it is missing or in the future: an order could outlive its maximum age by it."""
    return now if stamp is None else min(stamp, now)
