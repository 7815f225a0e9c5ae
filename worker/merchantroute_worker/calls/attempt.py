"""One attempt at an order: the steps that are not finished, one HTTP call after the other, each within a deadline."""

import time
from collections.abc import Mapping
from typing import Protocol

from merchantroute_worker.calls.call_timeout import CallTimeout, call_timeouts
from merchantroute_worker.calls.failures import cause, failure
from merchantroute_worker.calls.http_client import Client
from merchantroute_worker.calls.request import Request, build
from merchantroute_worker.orders.answers import Answer, Meaning, retry_after
from merchantroute_worker.orders.attempt_result import Attempt
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.route import Merchant, Route, Step


class CallObserver(Protocol):
    """Observes each call of an attempt, for bulkhead, metrics and traces."""

    def begins(self, step: Step) -> Mapping[str, str]:
        """Note that a call begins, and give the headers of its trace context."""

    def ended(self, step: Step, answer: Answer, seconds: float) -> None:
        """Note that a call has ended."""


def attempt(order: Order, merchant: Merchant, route: Route, client: Client, observer: CallObserver) -> Attempt:
    """Make the calls of the steps that are not finished.

    The steps are those that the order began with, also when the route has changed since. A step that may have succeeded
    without our knowing is verified first, where it has a verify call.
    """
    done, unsure = list(order.journal.done), set(order.journal.unsure)
    deadline = time.monotonic() + route.deadline

    def call(step: Step) -> Answer:
        trace = observer.begins(step)
        began = time.monotonic()
        request = build(
            step,
            order,
            merchant,
            attempt=order.journal.attempts + 1,
            insecure_hosts=route.insecure_hosts,
            egress=route.egress,
            trace=trace,
        )
        answer = call_within(client, request, min(route.call_timeout, deadline - began))
        observer.ended(step, answer, time.monotonic() - began)
        return answer

    for step in order.journal.steps or route.steps:
        if step.name in done:
            continue
        verified = call(step.verify) if step.verify and step.name in unsure else None
        if verified is not None and verified.confirms is None:
            return Attempt(done=tuple(done), step=step, answer=verified, unsure=tuple(sorted(unsure)))
        unsure.discard(step.name)
        if verified is None or not verified.confirms:
            answer = call(step)
            if route.table.meaning(answer) is not Meaning.SUCCESS:
                if step.verify and answer.leaves_doubt:
                    unsure.add(step.name)
                return Attempt(done=tuple(done), step=step, answer=answer, unsure=tuple(sorted(unsure)))
        done.append(step.name)
    return Attempt(done=tuple(done))


def call_within(client: Client, request: Request, seconds: float) -> Answer:
    """Make a call; its answer is a time-out after so many seconds."""
    if seconds <= 0:
        return Answer(failure="timeout", cause="no time was left for the call")
    timeouts = call_timeouts()
    number = timeouts.start(seconds)
    try:
        reply = client.call(request)
    except OSError as error:
        kind = failure(error)
        return Answer(failure=kind, cause=cause(kind, error, request.origin))
    except CallTimeout as expired:
        if expired.number != number:
            raise
        return Answer(failure="timeout", cause=f"no whole answer within {seconds:.3g} s")
    finally:
        timeouts.stop(number)
    if reply.retry_after is None:
        return Answer(reply.status)
    return Answer(status=reply.status, retry_after=retry_after(reply.retry_after, now=time.time()))
