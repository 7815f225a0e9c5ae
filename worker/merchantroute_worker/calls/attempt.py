"""One attempt at an order: the steps that are left, one call after the other, inside total deadlines."""

import socket
import ssl
import time
from collections.abc import Mapping
from typing import Protocol

import gevent

from merchantroute_worker.calls.http_client import Client
from merchantroute_worker.calls.request import Request, build
from merchantroute_worker.orders.answers import Answer, Meaning, retry_after
from merchantroute_worker.orders.attempt_result import Attempt
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.route import Merchant, Route, Step


class Watch(Protocol):
    """Who wants to know of each call as it begins and ends (bulkhead, metrics)."""

    def begins(self, step: Step) -> Mapping[str, str]:
        """A call is about to begin; gives the headers that carry its trace on."""

    def ended(self, step: Step, answer: Answer, seconds: float) -> None:
        """A call ended."""


def attempt(order: Order, merchant: Merchant, route: Route, client: Client, watch: Watch) -> Attempt:
    """Make the calls that are left. The steps are those that the order began with, whatever the route says now. Of a
    step that may be done already the merchant is asked first, where the step says how.
    """
    bound = Deadline(route.call_timeout)
    try:
        return _attempt(order, merchant, route, client, watch, bound)
    finally:
        bound.close()


def _attempt(
    order: Order, merchant: Merchant, route: Route, client: Client, watch: Watch, bound: "Deadline"
) -> Attempt:
    done, unsure = list(order.journal.done), set(order.journal.unsure)
    deadline = time.monotonic() + route.deadline

    def call(step: Step) -> Answer:
        trace = watch.begins(step)
        began = time.monotonic()
        request = build(
            step,
            order,
            merchant,
            attempt=order.journal.attempts + 1,
            allow_insecure=route.allow_insecure,
            trace=trace,
        )
        answer = bound.call(client, request, min(route.call_timeout, deadline - began))
        watch.ended(step, answer, time.monotonic() - began)
        return answer

    for step in order.journal.steps or route.steps:
        if step.name in done:
            continue
        asked = call(step.verify) if step.verify and step.name in unsure else None
        if asked is not None and asked.confirms is None:
            return Attempt(done=tuple(done), step=step, answer=asked, unsure=tuple(sorted(unsure)))
        unsure.discard(step.name)
        if asked is None or not asked.confirms:
            answer = call(step)
            if route.table.meaning(answer) is not Meaning.SUCCESS:
                if step.verify and answer.leaves_doubt:
                    unsure.add(step.name)
                return Attempt(done=tuple(done), step=step, answer=answer, unsure=tuple(sorted(unsure)))
        done.append(step.name)
    return Attempt(done=tuple(done))


class Deadline:
    """Runs calls within total deadlines. `usual` (seconds) is the bound of most: they share a timer."""

    def __init__(self, usual: float) -> None:
        self._usual = usual
        self._timer = gevent.Timeout(usual)

    def call(self, client: Client, request: Request, seconds: float) -> Answer:
        """The call's answer within so many seconds. gevent.Timeout is a BaseException: only its owner may catch it."""
        if seconds <= 0:
            return Answer(failure="timeout")
        timer = self._timer if seconds >= self._usual else gevent.Timeout(seconds)
        timer.start()
        try:
            return _answer(client, request)
        except gevent.Timeout as expired:
            if expired is not timer:
                raise
            return Answer(failure="timeout")
        finally:
            timer.cancel()
            if timer is not self._timer:
                timer.close()

    def close(self) -> None:
        """No call follows."""
        self._timer.close()


def _answer(client: Client, request: Request) -> Answer:
    try:
        reply = client.call(request)
    except OSError as error:
        return Answer(failure=failure(error))
    asked = None if reply.retry_after is None else retry_after(reply.retry_after, now=time.time())
    return Answer(status=reply.status, retry_after=asked)


def failure(error: OSError) -> str:
    """The class of a call that got no answer. Order matters: all of these are OSErrors."""
    if isinstance(error, ssl.SSLError):
        return "tls"
    if isinstance(error, socket.gaierror):
        return "dns"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    return "reset" if isinstance(error, ConnectionError) else "refused"
