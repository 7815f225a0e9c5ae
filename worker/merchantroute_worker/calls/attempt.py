"""One attempt at an order: the steps that are not finished, one HTTP call after the other, each within a deadline."""

import time
from collections.abc import Mapping
from typing import Any, Protocol

from merchantroute_worker.calls.call_timeout import CallTimeout, call_timeouts
from merchantroute_worker.calls.failures import cause, failure
from merchantroute_worker.calls.http_client import Client
from merchantroute_worker.calls.request import Request, build
from merchantroute_worker.calls.templated.templated_call import check_fields, judge, values_of
from merchantroute_worker.calls.templated.templated_request import build_templated, with_trace
from merchantroute_worker.orders.answers import Answer, Meaning, as_cause, retry_after
from merchantroute_worker.orders.attempt_result import Attempt
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.route import Merchant, Route
from merchantroute_worker.orders.steps.captures import AnswerContent, defaults
from merchantroute_worker.orders.steps.shape import Shape
from merchantroute_worker.orders.steps.step import Step
from merchantroute_worker.orders.steps.value_rules import all_hold
from merchantroute_worker.orders.steps.values import RequestNotBuilt, Values


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
    steps = order.journal.steps or merchant.steps or route.steps
    under_way = _UnderWay(order, merchant, route, client, observer)
    for step in steps:
        if step.shape is not None:
            check_fields(steps, under_way.done, merchant)
            break
    done = under_way.done
    for step in steps:
        if step.name in done:
            continue
        try:
            answer = under_way.carry_out(step)
        except RequestNotBuilt as error:
            return under_way.result(step, problem=as_cause(str(error)))
        if answer is not None:
            return under_way.result(step, answer)
    return under_way.result()


class _UnderWay:
    """An attempt under way: its calls, and what is known of its steps so far."""

    __slots__ = (
        "_captured",
        "_client",
        "_deadline",
        "_merchant",
        "_observer",
        "_order",
        "_route",
        "_unsure",
        "_values",
        "done",
    )

    def __init__(self, order: Order, merchant: Merchant, route: Route, client: Client, observer: CallObserver) -> None:
        self._order, self._merchant, self._route = order, merchant, route
        self._client, self._observer = client, observer
        self._deadline = time.monotonic() + route.deadline
        self._values: Values | None = None
        self._unsure = set(order.journal.unsure)
        self._captured: Mapping[str, Any] = order.journal.captured
        self.done = list(order.journal.done)

    def result(self, step: Step | None = None, answer: Answer | None = None, problem: str | None = None) -> Attempt:
        """The attempt's result, which stopped at a step with an answer, with a problem, or not at all."""
        return Attempt(tuple(self.done), tuple(sorted(self._unsure)), step, answer, self._captured, problem)

    def carry_out(self, step: Step) -> Answer | None:
        """Carry out a step; gives the answer that ends the attempt. RequestNotBuilt where the order has no request."""
        shape = step.shape
        if shape is not None and shape.skip_when and self._skips(shape):
            self._unsure.discard(step.name)
            self.done.append(step.name)
            return None
        verified = self._make(step.verify) if step.verify and step.name in self._unsure else None
        if verified is not None and verified.confirms is None:
            return verified
        self._unsure.discard(step.name)
        if verified is None or not verified.confirms:
            answer = self._make(step)
            table = self._route.table if shape is None else self._route.table_of(step)
            if table.meaning(answer) is not Meaning.SUCCESS:
                if step.verify and answer.leaves_doubt:
                    self._unsure.add(step.name)
                return answer
        self.done.append(step.name)
        return None

    def _make(self, step: Step) -> Answer:
        shape = step.shape
        if shape is not None:
            return self._make_templated(step, shape)
        order, route = self._order, self._route
        trace = self._observer.begins(step)
        began = time.monotonic()
        request = build(
            step,
            order,
            self._merchant,
            attempt=order.journal.attempts + 1,
            insecure_hosts=route.insecure_hosts,
            egress=route.egress,
            trace=trace,
        )
        answer = call_within(self._client, request, min(route.call_timeout, self._deadline - began))
        self._observer.ended(step, answer, time.monotonic() - began)
        return answer

    def _skips(self, shape: Shape) -> bool:
        """Whether a step is skipped; what it would have captured has its defaults then."""
        skipped = all_hold(shape.skip_when, self._known())
        if skipped:
            self._keep(defaults(shape.captures))
        return skipped

    def _make_templated(self, step: Step, shape: Shape) -> Answer:
        # Filled in before the call begins, since an order without such a request has no call.
        order, route = self._order, self._route
        request = build_templated(
            step,
            shape,
            order,
            self._merchant,
            self._known(),
            attempt=order.journal.attempts + 1,
            insecure_hosts=route.insecure_hosts,
            egress=route.egress,
        )
        request = with_trace(request, self._observer.begins(step))
        began = time.monotonic()
        seconds = min(shape.call_timeout or route.call_timeout, self._deadline - began)
        answer, content = exchange_within(self._client, request, seconds)
        answer, captured = judge(shape, answer, content, route.table_of(step))
        self._observer.ended(step, answer, time.monotonic() - began)
        self._keep(captured)
        return answer

    def _known(self) -> Values:
        if self._values is None:
            self._values = values_of(self._order, self._merchant, self._captured)
        return self._values

    def _keep(self, captured: Mapping[str, Any]) -> None:
        if captured:
            self._captured = self._known().captured = {**self._captured, **captured}


def call_within(client: Client, request: Request, seconds: float) -> Answer:
    """Make a call; its answer is a time-out after so many seconds."""
    return exchange_within(client, request, seconds)[0]


def exchange_within(client: Client, request: Request, seconds: float) -> tuple[Answer, AnswerContent | None]:
    """The same, with the answer's content where the request keeps it."""
    if seconds <= 0:
        return Answer(failure="timeout", cause="no time was left for the call"), None
    timeouts = call_timeouts()
    number = timeouts.start(seconds)
    try:
        reply = client.call(request)
    except OSError as error:
        kind = failure(error)
        return Answer(failure=kind, cause=cause(kind, error, request.origin)), None
    except CallTimeout as expired:
        if expired.number != number:
            raise
        return Answer(failure="timeout", cause=f"no whole answer within {seconds:.3g} s"), None
    finally:
        timeouts.stop(number)
    if reply.retry_after is None:
        return Answer(reply.status), reply.content
    answer = Answer(status=reply.status, retry_after=retry_after(reply.retry_after, now=time.time()))
    return answer, reply.content
