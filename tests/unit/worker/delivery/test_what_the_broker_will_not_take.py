"""An order that the broker will not take, once a worker has written on it, is dead and holds up nobody."""

from typing import Any

import pytest

from merchantroute_worker.delivery.delivery import Stage
from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.attempt_result import Attempt
from tests.unit.worker.delivery.test_settlement import DEAD, ROUTE, Fixture, Message

BODY = b'[[], {"order": {"id": "o-1", "note": "' + b"x" * 500 + b'"}}, {}]'
AGAIN = Attempt(done=("validate",), step=ROUTE.steps[1], answer=Answer(503))
NEVER = Attempt(done=("validate",), step=ROUTE.steps[1], answer=Answer(422))


@pytest.fixture
def world() -> Fixture:
    """One pod, whose broker takes the order as it came and not a byte more."""
    world = Fixture()
    world.publisher.largest = len(BODY)
    return world


@pytest.mark.parametrize(("attempt", "reason"), [(AGAIN, "too-large"), (NEVER, "merchant-rejected")])
def test_it_is_dead_as_it_came(world: Fixture, attempt: Attempt, reason: str) -> None:
    world.order(lambda: attempt, Message(body=BODY)).run()

    (letter,) = world.publisher.published
    assert (letter.exchange, letter.body, letter.headers["mr-reason"]) == (DEAD, BODY, reason)
    assert letter.headers["mr-as-published"] is True
    assert world.events == [f"published to {DEAD}", "dead", "acked"]


def test_what_does_not_fit_as_it_came_is_moved_by_the_broker(world: Fixture) -> None:
    """It came compressed."""
    message = Message(body=BODY)
    rejected: list[bool] = []
    told: Any = message
    told.reject = lambda *, requeue: rejected.append(requeue)
    world.publisher.largest = 10
    delivery = world.order(lambda: AGAIN, message)

    delivery.run()

    assert (rejected, world.events, delivery.stage) == ([False], [], Stage.SETTLED)
    assert world.counted() == ["dead"]


@pytest.mark.parametrize(("attempt", "reason"), [(AGAIN, "refused-by-broker"), (NEVER, "merchant-rejected")])
def test_what_the_broker_refuses_is_dead_as_it_came(
    attempt: Attempt, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = Fixture()
    world.publisher.refuses = lambda message: message.body != BODY
    world.order(lambda: attempt, Message(body=BODY)).run()

    (letter,) = world.publisher.published
    assert (letter.exchange, letter.body, letter.headers["mr-reason"]) == (DEAD, BODY, reason)
    assert world.events == [f"published to {DEAD}", "dead", "acked"]
    assert "406 PRECONDITION_FAILED - something of it" in caplog.text


def test_what_it_refuses_as_it_came_too_is_moved_by_the_broker() -> None:
    world, message = Fixture(), Message(body=BODY)
    world.publisher.refuses = lambda _: True
    rejected: list[bool] = []
    told: Any = message
    told.reject = lambda *, requeue: rejected.append(requeue)

    world.order(lambda: AGAIN, message).run()

    assert (rejected, world.events, world.counted()) == ([False], [], ["dead"])


def test_a_task_that_does_not_fit_is_moved_by_the_broker(world: Fixture) -> None:
    message = Message(body=BODY)
    rejected: list[bool] = []
    told: Any = message
    told.reject = lambda *, requeue: rejected.append(requeue)
    world.publisher.largest = 10

    world.task(message).rejected(None, None, requeue=True)

    assert (rejected, world.events) == ([False], ["removed"])
