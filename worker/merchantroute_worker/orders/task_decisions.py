"""What becomes of a message of an app's own task, before it gets a slot and after its deadline. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from merchantroute_worker.orders import ladder
from merchantroute_worker.orders.decisions import ETA_WORTH_WAITING, moment
from merchantroute_worker.orders.envelope import PUBLISHED_AT, Malformed
from merchantroute_worker.orders.messages import RUNG, Incoming
from merchantroute_worker.orders.route import Route

ATTEMPTS, REFUSALS = "mr-attempts", "mr-refusals"


@dataclass(frozen=True, kw_only=True)
class TaskMessage:
    """What we know of the message. `attempts` are those that ended at the deadline, `retries` Celery's own count."""

    id: str
    merchant: str
    task: str
    retries: int
    attempts: int
    refusals: int
    published_at: float
    eta: float | None
    expires: float | None
    limits: tuple[float | None, float | None]

    @property
    def hop(self) -> tuple[str, int, int]:
        """Names this stay of the message in a queue."""
        return (f"{self.task} {self.id} {self.retries}", self.attempts, self.refusals)


@dataclass(frozen=True, kw_only=True)
class Run:
    """Run it after `wait` seconds, with these headers changed for Celery."""

    wait: float
    headers: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ToLadder:
    """Wait on a rung, which the headers name; `outcome` is retried or refused."""

    headers: Mapping[str, Any]
    reason: str
    outcome: str


@dataclass(frozen=True, kw_only=True)
class ToDead:
    """Go to dead letters."""

    reason: str
    answer_class: str = "none"


def read(message: Incoming, *, now: float) -> TaskMessage:
    """Read the headers; Malformed says what is wrong with them. Times are epoch seconds."""
    headers = message.headers
    order_id = headers.get("id") or message.properties.get("correlation_id")
    if not isinstance(order_id, str) or not order_id:
        raise Malformed("the task has neither an id nor a correlation_id")
    published = headers.get(PUBLISHED_AT)
    return TaskMessage(
        id=order_id,
        merchant=message.routing_key,
        task=str(headers.get("task")),
        retries=_count(headers.get("retries")),
        attempts=_count(headers.get(ATTEMPTS)),
        refusals=_count(headers.get(REFUSALS)),
        published_at=min(published / 1000, now) if isinstance(published, int) and published >= 0 else now,
        eta=moment(headers, "eta"),
        expires=moment(headers, "expires"),
        limits=_limits(headers.get("timelimit")),
    )


def before_slot(note: TaskMessage, route: Route, *, now: float) -> Run | ToLadder | ToDead:
    """Whether the task may run now. Its deadline is the route's where the route knows its merchant, and the app's own
    where that is shorter.
    """
    if note.expires is not None and note.expires <= now:
        return ToDead(reason="expired")
    if now - note.published_at > route.max_age:
        return ToDead(reason="max-age")
    wait = 0.0 if note.eta is None else note.eta - now
    if wait > ETA_WORTH_WAITING:
        return _ladder(note, ladder.before_eta(wait, route.delays), "eta", "refused", refusals=note.refusals)
    hard, soft = note.limits
    if route.merchant(note.merchant) is not None:
        hard = min(hard or route.deadline, route.deadline)
    # Celery would wait for an ETA on its own, holding the slot; and discard what expires meanwhile.
    stamp = round(note.published_at * 1000)
    headers = {"eta": None, "expires": None, "timelimit": [hard, soft], PUBLISHED_AT: stamp}
    return Run(wait=max(0.0, wait), headers=headers)


def refused(note: TaskMessage, route: Route, reason: str) -> ToLadder:
    """It got no slot: uncounted."""
    rung = ladder.after_refusal(note.refusals, route.delays)
    return _ladder(note, rung, reason, "refused", refusals=note.refusals + 1)


def after_timeout(note: TaskMessage, route: Route, *, slow: bool) -> ToLadder | ToDead:
    """It was ended at its deadline. A time-out of a slow merchant is not counted."""
    if slow:
        rung = ladder.after_refusal(note.refusals, route.delays)
        return _ladder(note, rung, "slow", "retried", refusals=note.refusals + 1)
    attempts = note.attempts + 1
    if attempts >= route.max_attempts:
        return ToDead(reason="attempts-exhausted", answer_class="timeout")
    rung = ladder.after_attempt(attempts, route.delays, draw=0.5)
    return _ladder(note, rung, "timeout", "retried", refusals=note.refusals, attempts=attempts)


def _ladder(
    note: TaskMessage, rung: int, reason: str, outcome: str, *, refusals: int, attempts: int | None = None
) -> ToLadder:
    headers = {
        RUNG: str(rung),
        PUBLISHED_AT: round(note.published_at * 1000),
        REFUSALS: refusals,
        ATTEMPTS: note.attempts if attempts is None else attempts,
    }
    return ToLadder(headers=headers, reason=reason, outcome=outcome)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _limits(value: Any) -> tuple[float | None, float | None]:
    """Celery's header `timelimit`: hard and soft, in seconds."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None, None
    hard, soft = (limit if isinstance(limit, int | float) and 0 < limit < inf else None for limit in value)
    return hard, soft
