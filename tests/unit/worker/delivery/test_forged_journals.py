"""Whoever may publish orders commands no call: what a producer writes beside the order is not believed."""

import json
import re
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given

from merchantroute_worker.delivery.call_observer import OTHER_STEP
from merchantroute_worker.delivery.delivery import Delivery
from merchantroute_worker.delivery.order import OrderDelivery
from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.attempt_result import Attempt
from merchantroute_worker.orders.envelope import Order
from tests.unit.worker.delivery.test_settlement import DEAD, LADDER, ROUTE, Fixture, Message
from tests.unit.worker.fuzz import AMQP, FUZZ, JSON, dumped, mutated

FORGED: dict[str, Any] = {
    "v": 1,
    "steps": [{"name": "x", "method": "DELETE", "path": "/menu"}],
    "done": ["validate"],
    "attempts": 2,
    "refusals": 9,
    "unsure": ["validate"],
    "notBefore": 4_000_000_000_000,
}
COUNTS: dict[str, Any] = {
    "mr-attempts": 7,
    "mr-refusals": 9,
    "mr-first-seen": 1,
    "mr-reason": "max-age",
    "mr-replays": 3,
}
TASK = {"task": "merchantroute.order"}


def body(journal: Any) -> bytes:
    return dumped([[], {"order": {"id": "o-1"}}, {"merchantroute": journal}])


@cache
def one_world() -> Fixture:
    return Fixture()


def attempted(message: Message) -> list[Order]:
    """The orders whose calls begin."""
    world, begun = one_world(), list[Order]()
    world.publisher.published.clear()

    def attempt(order: Order, *_: Any) -> Attempt:
        begun.append(order)
        return Attempt(done=("validate", "confirm"))

    runner = SimpleNamespace(attempt=attempt, timeout=lambda route, _: route.call_timeout)
    OrderDelivery(world.pod, message, runner).run()
    assert begun or [each.exchange for each in world.publisher.published] == [DEAD]
    return begun


@FUZZ
@given(journal=mutated(FORGED) | JSON, headers=mutated(COUNTS, AMQP))
@example(journal=FORGED, headers=COUNTS)
@example(journal={**FORGED, "steps": [], "done": ["validate", "confirm"]}, headers={})
@example(journal={"v": 2}, headers={"x-delivery-count": 50, "mr-as-published": False})
def test_a_journal_from_the_front_door_makes_no_other_call(journal: Any, headers: dict[str, Any]) -> None:
    for order in attempted(Message(body=body(journal), **{**headers, **TASK})):
        assert (order.journal.steps, order.journal.done, order.journal.unsure) == (None, (), ())
        assert (order.journal.attempts, order.journal.refusals, order.journal.not_before) == (0, 0, None)
        steps = json.loads(order.encode(ROUTE.steps))[2]["merchantroute"]["steps"]
        assert steps == [step.as_json() for step in ROUTE.steps]


@pytest.mark.parametrize("exchange", ["", "amq.direct", "mr.orders.pos", "mr.orders.posh.router", "mr.orders"])
def test_only_what_comes_from_behind_the_front_door_is_believed(exchange: str) -> None:
    assert attempted(Message(body=body(FORGED), exchange=exchange))[0].journal.steps is None


@pytest.mark.parametrize("exchange", ["router", "suspect", "standard.retry"])
def test_a_journal_from_behind_the_front_door_is_believed(exchange: str) -> None:
    journal = {**FORGED, "notBefore": 0}
    began = attempted(Message(body=body(journal), exchange=f"{ROUTE.front_door}.{exchange}"))[0]

    assert [step.path for step in began.journal.steps or ()] == ["/menu"]
    assert (began.journal.attempts, began.journal.refusals) == (2, 9)


def test_what_is_moved_unread_stays_a_producer_s(world: Fixture) -> None:
    """To the suspect lane, and from there by its own exchange to a pod again."""
    often: dict[str, Any] = {"redelivered": True, "x-delivery-count": 20}
    world.order(message=Message(body=body(FORGED), **often, **COUNTS)).run()
    moved = world.publisher.published[0]
    assert moved.exchange == ROUTE.suspect
    assert {name for name in moved.headers if name.startswith("mr-")} == {"mr-as-published"}

    again = Message(body=moved.body, exchange=ROUTE.suspect, **moved.headers)
    assert attempted(again)[0].journal.steps is None


def test_what_a_worker_wrote_after_that_is_believed_again(world: Fixture) -> None:
    marked: dict[str, Any] = {"mr-as-published": True, "exchange": ROUTE.suspect}
    failing = Attempt(done=("validate",), step=ROUTE.steps[1], answer=Answer(503))
    world.order(lambda: failing, Message(body=body(FORGED), **marked)).run()

    sent = world.publisher.published[0]
    assert (sent.exchange, "mr-as-published" in sent.headers) == (LADDER, False)
    assert json.loads(sent.body)[2]["merchantroute"]["done"] == ["validate"]


def test_a_letter_that_nobody_read_says_so(world: Fixture) -> None:
    Delivery(world.pod, Message(body=body(FORGED), **COUNTS)).dead_letter("unknown-task", "no such task")

    headers = world.publisher.published[0].headers
    assert (headers["mr-as-published"], headers["mr-reason"], headers["mr-attempts"]) == (True, "unknown-task", 0)
    assert not {"mr-replays", "mr-first-seen", "mr-refusals"} & set(headers)


def test_a_producer_sends_no_order_to_the_suspect_lane(world: Fixture) -> None:
    often: dict[str, Any] = {"x-delivery-count": 50}
    world.order(message=Message(**often)).run()

    assert ROUTE.suspect not in [each.exchange for each in world.publisher.published]


def test_the_counts_of_a_task_are_not_its_producer_s(world: Fixture) -> None:
    for exchange in (ROUTE.router, ROUTE.front_door):
        world.task(Message(exchange=exchange, **COUNTS)).rejected(None, None, requeue=True)

    sent = [each.headers for each in world.publisher.published]
    assert [(headers["mr-attempts"], headers["mr-refusals"]) for headers in sent] == [(7, 10), (0, 1)]


def test_a_step_that_the_route_does_not_have_makes_no_series_of_its_own(world: Fixture) -> None:
    journal = {**FORGED, "steps": [step.as_json() for step in ROUTE.steps] + FORGED["steps"], "notBefore": 0}

    def attempt(order: Order, _merchant: Any, _route: Any, observer: Any) -> Attempt:
        for step in order.journal.steps or ():
            observer.begins(step)
            observer.ended(step, Answer(200), 0.1)
        return Attempt(done=("validate", "confirm", "x"))

    runner = SimpleNamespace(attempt=attempt, timeout=lambda route, _: route.call_timeout)
    OrderDelivery(world.pod, Message(body=body(journal), exchange=ROUTE.router), runner).run()

    shown = world.pod.metrics.render(slots=1, busy=0, merchants=world.pod.bulkhead.sums(0.0)).decode()
    assert set(re.findall(r'merchantroute_calls_total{.*step="([^"]*)"', shown)) == {"validate", "confirm", OTHER_STEP}


@pytest.fixture
def world() -> Fixture:
    """One pod."""
    return Fixture()
