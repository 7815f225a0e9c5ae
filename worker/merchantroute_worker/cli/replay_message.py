"""What a dead letter becomes when it is replayed. Pure.

It would die again at once as it is: its age counts from `mr-published-at`, its attempts are used up, its `expires` has
passed, `mr-first-seen` says for how long its merchant has been unknown. So these begin anew; what is done stays done.

A pod remembers which stays of an order it has given an outcome (`hop`: id, attempts, refusals), so that a message that
comes again after a lost ack is not carried out twice. With its attempts at 0 again, an order would look like one of its
own earlier stays; so each replay counts as a refusal, which makes it new. An order has these counts in its journal, an
app's own task in headers. Celery's count of a task's `retries` stays: what an app sends for a retry carries none of our
headers, so nothing would tell it from the same retry in the first life.
"""

from dataclasses import replace
from typing import Any

from merchantroute_worker.cli.dead_letter import (
    ANSWER,
    ATTEMPTS,
    FIRST_PUBLISHED_AT,
    REASON,
    REFUSALS,
    REPLAYS,
    STEP,
    Letter,
)
from merchantroute_worker.orders.envelope import FIRST_SEEN, JOURNAL, PUBLISHED_AT, Malformed, Undecodable
from merchantroute_worker.orders.envelope import read as read_order
from merchantroute_worker.orders.messages import Incoming, Outgoing, to_door

_OF_ITS_DEATH = frozenset({REASON, STEP, ATTEMPTS, ANSWER, FIRST_SEEN})


def again(letter: Letter, *, exchange: str, now: float, reset_attempts: bool) -> Outgoing:
    """The letter as an order that is published now (epoch seconds). What cannot be read goes as it came."""
    message = letter.message
    stays = {name: value for name, value in message.headers.items() if name not in _OF_ITS_DEATH}
    headers, body = _headers(letter, now), _body(message, reset_attempts)
    if body is None:
        headers[REFUSALS] = letter.refusals + 1
        if not reset_attempts and letter.attempts:
            headers[ATTEMPTS] = letter.attempts
    return to_door(message._replace(headers=stays), exchange=exchange, headers=headers, body=body)


def _headers(letter: Letter, now: float) -> dict[str, Any]:
    old = letter.message.headers
    headers: dict[str, Any] = {PUBLISHED_AT: round(now * 1000), REPLAYS: letter.replays + 1}
    if FIRST_PUBLISHED_AT not in old and letter.published_at is not None:
        headers[FIRST_PUBLISHED_AT] = round(letter.published_at * 1000)
    if old.get("expires"):
        headers["expires"] = None  # Celery expects the header itself
    return headers


def _body(message: Incoming, reset_attempts: bool) -> bytes | None:
    """The body with the journal's attempts at 0, None for one that stays as it is."""
    try:
        order = read_order(
            body=message.body,
            headers=message.headers,
            correlation_id=message.properties.get("correlation_id"),
            routing_key=message.routing_key,
        )
    except (Malformed, Undecodable):
        return None
    if order.body[2].get(JOURNAL) is None:
        return None
    journal = order.journal
    attempts = 0 if reset_attempts else journal.attempts
    fresh = replace(journal, attempts=attempts, refusals=journal.refusals + 1, not_before=None)
    return order.with_journal(fresh).encode(journal.steps or ())
