"""Decides about a message of an app's own task, before it gets a slot and after its deadline. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from merchantroute_worker.orders import ladder
from merchantroute_worker.orders.answers import FORBIDDEN, MAX_CAUSE
from merchantroute_worker.orders.envelope import ETA_WORTH_WAITING, PUBLISHED_AT
from merchantroute_worker.orders.messages import DeathReason
from merchantroute_worker.orders.outcome import ToDead, ToLadder
from merchantroute_worker.orders.route import Route
from merchantroute_worker.orders.task_message import Limits, TaskMessage


@dataclass(frozen=True, kw_only=True)
class RunTask:
    """Decision: ask the bulkhead for a slot, then let Celery run the task after `wait` seconds, with these headers
    changed. `timeout` is the time (seconds) after which it is judged: its hard limit, or else the route's deadline.
    """

    wait: float
    timeout: float
    headers: Mapping[str, Any]


def before_slot(
    task: TaskMessage, route: Route, *, now: float, own: Limits = (None, None)
) -> RunTask | ToLadder[TaskMessage] | ToDead[TaskMessage]:
    """Decide whether the task may run now. Its deadline is the route's if the route knows its merchant, or the app's
    own if that is shorter: what the message says, or else what the app gave the task (`own`). A producer that knows the
    task only by its name sends no limits.
    """
    if task.expires is not None and task.expires <= now:
        return dead(task, "expired")
    if now - max(task.published_at, task.eta or 0.0) > route.max_age:
        return dead(task, "max-age")
    wait = 0.0 if task.eta is None else task.eta - now
    if wait > ETA_WORTH_WAITING:
        rung = ladder.before_eta(wait, route.delays_for_eta)
        return ToLadder(order=replace(task, waits=task.waits + 1), rung=rung, reason="eta", outcome="deferred")
    hard, soft = (sent or given for sent, given in zip(task.limits, own, strict=True))
    if route.merchant(task.merchant) is not None:
        hard = min(hard or route.deadline, route.deadline)
    # Celery would wait for an ETA itself, occupying the slot, and discard a message that expires meanwhile.
    stamp = round(task.published_at * 1000)
    headers = {"eta": None, "expires": None, "timelimit": [hard, soft], PUBLISHED_AT: stamp}
    return RunTask(wait=max(0.0, wait), timeout=hard or route.deadline, headers=headers)


def refused(task: TaskMessage, route: Route, reason: str, *, at_once: bool = False) -> ToLadder[TaskMessage]:
    """To the ladder, or `at_once` to the merchant's own queue: the task got no slot. Not counted as an attempt."""
    rung = ladder.without_slot(task.refusals, route.delays)
    refusal = replace(task, refusals=task.refusals + 1)
    return ToLadder(order=refusal, rung=rung, reason=reason, outcome="refused", at_once=at_once)


def deferred(task: TaskMessage, route: Route, reason: str) -> ToLadder[TaskMessage]:
    """To the ladder: the task did not run, for a reason outside the task. Not counted as an attempt."""
    rung = ladder.after_refusal(task.refusals, route.delays)
    return ToLadder(order=replace(task, refusals=task.refusals + 1), rung=rung, reason=reason, outcome="deferred")


def after_timeout(task: TaskMessage, route: Route, *, slow: bool) -> ToLadder[TaskMessage] | ToDead[TaskMessage]:
    """Decide after the task was ended at its deadline. A timeout of a slow merchant does not count as an attempt."""
    if slow:
        rung = ladder.after_refusal(task.refusals, route.delays)
        return ToLadder(order=replace(task, refusals=task.refusals + 1), rung=rung, reason="slow", outcome="retried")
    attempts = task.attempts + 1
    if attempts >= route.max_attempts:
        return dead(task, "attempts-exhausted", answer_class="timeout")
    rung = ladder.after_attempt(attempts, route.delays, draw=0.5)
    return ToLadder(order=replace(task, attempts=attempts), rung=rung, reason="timeout", outcome="retried")


def dead(task: TaskMessage, reason: str, *, answer_class: str = "none") -> ToDead[TaskMessage]:
    """To dead letters, for a reason of the closed list."""
    return ToDead(order=task, why=DeathReason(reason=reason, attempts=task.attempts, answer_class=answer_class))


def forbidden(task: TaskMessage, explanation: str) -> ToDead[TaskMessage]:
    """To dead letters: the task called an address that the route does not allow."""
    text = "".join(one if one.isprintable() else "?" for one in explanation)[:MAX_CAUSE]
    why = DeathReason(
        reason="forbidden-address", attempts=task.attempts, answer_class=FORBIDDEN, answer_text=text or None
    )
    return ToDead(order=task, why=why)
