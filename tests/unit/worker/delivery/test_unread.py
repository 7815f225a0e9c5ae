"""What an older pod cannot read yet waits for a newer one, and not for ever."""

import json
import time
from typing import Any

import pytest

from merchantroute_worker.delivery.delivery import Delivery
from merchantroute_worker.delivery.unread import defer_unread
from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.attempt_result import Attempt
from tests.unit.worker.delivery.test_settlement import DEAD, LADDER, ROUTE, Fixture, Message

STEP = {"name": "submit", "method": "QUERY", "path": "/orders"}
NEWER: list[dict[str, Any]] = [
    {"v": 3, "flow": {"nodes": []}},
    {"v": 1, "steps": [STEP], "done": [], "attempts": 1, "refusals": 0},
]
NOW = round(time.time() * 1000)
LONG_AGO = NOW - 301_000


@pytest.fixture
def world() -> Fixture:
    """One pod."""
    return Fixture()


def newer(journal: dict[str, Any], **headers: Any) -> Message:
    body = json.dumps([[], {"order": {"total": 1}}, {"merchantroute": journal}]).encode()
    return Message(body=body, exchange=ROUTE.router, **headers)


def unknown_task(world: Fixture, message: Message) -> None:
    defer_unread(Delivery(world.pod, message), "unknown-task", dead_reason="unknown-task", explanation="no such task")


@pytest.mark.parametrize("journal", NEWER)
def test_an_order_of_a_newer_worker_waits_as_it_is(world: Fixture, journal: dict[str, Any]) -> None:
    message = newer(journal, **{"mr-published-at": NOW})
    world.order(message=message).run()

    (sent,) = world.publisher.published
    assert (sent.exchange, sent.body, sent.headers["mr-rung"]) == (LADDER, message.body, "15000")
    assert (sent.headers["mr-published-at"], sent.headers["mr-waits"]) == (NOW, 1)
    assert world.events == [f"published to {LADDER}", "deferred", "acked"]


@pytest.mark.parametrize("journal", NEWER)
def test_an_order_that_no_pod_could_read_for_long_is_dead(world: Fixture, journal: dict[str, Any]) -> None:
    message = newer(journal, **{"mr-unread-since": LONG_AGO})
    world.order(message=message).run()

    (letter,) = world.publisher.published
    assert (letter.exchange, letter.body, letter.headers["mr-reason"]) == (DEAD, message.body, "malformed")


@pytest.mark.parametrize(
    "journal",
    [
        {"v": 0},
        {"v": "2"},
        {"v": True},
        {**NEWER[1], "steps": [{**STEP, "method": "get it"}]},
        {**NEWER[1], "steps": [7]},
    ],
)
def test_what_no_worker_wrote_is_dead_at_once(world: Fixture, journal: dict[str, Any]) -> None:
    world.order(message=newer(journal)).run()

    assert [each.headers["mr-reason"] for each in world.publisher.published] == ["malformed"]


def test_a_task_of_a_newer_release_waits_and_then_is_dead(world: Fixture) -> None:
    unknown_task(world, Message())
    first = world.publisher.published[0]
    assert (first.exchange, first.body, first.headers["task"]) == (LADDER, Message.body, "shop.charge")
    assert first.headers["mr-unread-since"] == first.headers["mr-published-at"] >= NOW

    unknown_task(world, Message(exchange=ROUTE.router, **{**first.headers, "mr-unread-since": LONG_AGO}))
    assert world.publisher.published[1].headers["mr-reason"] == "unknown-task"
    assert world.counted() == ["deferred", "dead"]


def test_a_producer_makes_no_task_dead_before_its_time(world: Fixture) -> None:
    forged: dict[str, Any] = {"mr-unread-since": LONG_AGO, "mr-waits": 9}
    unknown_task(world, Message(**forged))

    (sent,) = world.publisher.published
    assert (sent.exchange, sent.headers["mr-waits"]) == (LADDER, 1)


def test_each_round_is_a_stay_of_its_own(world: Fixture) -> None:
    """The broker delivers a message again whose ack was lost; its next round must not be taken for it."""
    unknown_task(world, Message())
    headers = world.publisher.published[0].headers

    unknown_task(world, Message(redelivered=True, exchange=ROUTE.router, **headers))
    assert len(world.publisher.published) == 2
    unknown_task(world, Message(redelivered=True, exchange=ROUTE.router, **headers))
    assert len(world.publisher.published) == 2
    assert world.events[-1] == "acked"


def test_a_pod_that_can_read_it_forgets_that_others_could_not(world: Fixture) -> None:
    since: dict[str, Any] = {"mr-unread-since": LONG_AGO}
    journal = {"v": 1, "steps": [], "done": [], "attempts": 0, "refusals": 0}
    failed = Attempt(done=(), step=ROUTE.steps[0], answer=Answer(503))

    world.order(lambda: failed, newer(journal, **since)).run()
    world.task(Message(exchange=ROUTE.router, **since)).rejected(None, None, requeue=True)

    assert [each.exchange for each in world.publisher.published] == [LADDER, LADDER]
    assert ["mr-unread-since" in each.headers for each in world.publisher.published] == [False, False]
