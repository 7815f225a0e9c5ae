"""Makes the message of a replay from a dead letter. Pure.

Unchanged, it would be dead-lettered again at once: its age counts from `mr-published-at`, its attempts are used up, its
`expires` has passed, `mr-first-seen` says for how long its merchant has been unknown. So these begin again; finished
steps stay finished.

A pod remembers the deliveries it has settled by their delivery key (merchant, order id, publication, attempts,
refusals), so that a message that is redelivered after a lost ack is not carried out twice. A replay is a publication of
its own; so that this does not depend on a clock, each one counts as a refusal too. An order has these counts in its
journal, an app's own task in headers. Celery's count of a task's `retries` stays: the message of an app's retry has
none of our counts, so nothing would distinguish it from the same retry before the replay.

Replays go to the router, behind the front door: a journal that comes through the front door is not believed. One that
a producer wrote, into a message that no worker could read, stays what it is (see `judge` in orders/messages.py).
"""

from dataclasses import replace
from typing import Any

from merchantroute_worker.cli.dead_letter import (
    ANSWER,
    ANSWER_TEXT,
    ATTEMPTS,
    FIRST_PUBLISHED_AT,
    REASON,
    REFUSALS,
    REPLAYS,
    STEP,
    DeadLetter,
)
from merchantroute_worker.orders.envelope import FIRST_SEEN, JOURNAL, PUBLISHED_AT
from merchantroute_worker.orders.envelope import read as read_order
from merchantroute_worker.orders.messages import Incoming, Outgoing, to_replay
from merchantroute_worker.orders.task_body import Malformed, Undecodable

_DEATH_HEADERS = frozenset({REASON, STEP, ATTEMPTS, ANSWER, ANSWER_TEXT, FIRST_SEEN})


def replay_message(letter: DeadLetter, *, exchange: str, now: float, reset_attempts: bool) -> Outgoing:
    """Make the letter's message as if published `now` (epoch seconds). A body that cannot be read stays unchanged."""
    message = letter.message
    kept = {name: value for name, value in message.headers.items() if name not in _DEATH_HEADERS}
    headers, body = _headers(letter, now), _body(message, reset_attempts)
    if body is None:
        headers[REFUSALS] = letter.refusals + 1
        if not reset_attempts and letter.attempts:
            headers[ATTEMPTS] = letter.attempts
    return to_replay(message._replace(headers=kept), exchange=exchange, headers=headers, body=body)


def _headers(letter: DeadLetter, now: float) -> dict[str, Any]:
    old = letter.message.headers
    headers: dict[str, Any] = {PUBLISHED_AT: round(now * 1000), REPLAYS: letter.replays + 1}
    if FIRST_PUBLISHED_AT not in old and letter.published_at is not None:
        headers[FIRST_PUBLISHED_AT] = round(letter.published_at * 1000)
    if old.get("expires"):
        headers["expires"] = None  # Celery expects the header itself
    return headers


def _body(message: Incoming, reset_attempts: bool) -> bytes | None:
    """The body with the journal's attempts at 0, None for one that stays unchanged."""
    try:
        order = read_order(
            body=message.body,
            headers=message.headers,
            correlation_id=message.properties.get("correlation_id"),
            routing_key=message.routing_key,
            as_published=message.as_published,
        )
    except (Malformed, Undecodable):
        return None
    if message.as_published or order.body.embed.get(JOURNAL) is None:
        return None
    journal = order.journal
    attempts = 0 if reset_attempts else journal.attempts
    fresh = replace(journal, attempts=attempts, refusals=journal.refusals + 1, not_before=None)
    return order.with_journal(fresh).encode(journal.steps or ())
