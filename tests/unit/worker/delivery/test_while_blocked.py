"""While the broker takes no messages, orders are worked on, until outcomes to be published hold half of the slots."""

from contextlib import ExitStack

import pytest

from merchantroute_worker.delivery.delivery import Delivery
from merchantroute_worker.orders.attempt_result import Attempt
from tests.unit.worker.delivery.test_settlement import Fixture
from tests.unit.worker.samples import route

DONE = Attempt(done=("validate", "confirm"))


@pytest.mark.parametrize(
    ("slots", "held", "begins"),
    [
        (20, 0, True),
        (20, 9, True),
        (20, 10, False),
        (3, 1, True),
        (3, 2, False),
        (2, 1, False),
        (1, 0, True),
        (1, 1, False),
    ],
)
def test_how_many_outcomes_may_wait_for_a_publish(slots: int, held: int, begins: bool) -> None:
    world = Fixture(route())
    world.publisher.open = False
    world.pod.fixed_slots = slots
    with ExitStack() as stack:
        for _ in range(held):
            stack.enter_context(world.pod.holds_outcome(object()))

        assert world.pod.may_begin is begins
        world.publisher.open = True
        assert world.pod.may_begin


def test_an_outcome_that_is_an_ack_only_needs_no_publish() -> None:
    world = Fixture()
    world.publisher.open = False

    world.order(lambda: DONE).run()

    assert world.events == ["recorded", "done", "acked"]


def test_an_outcome_is_held_for_as_long_as_it_is_published_and_no_longer() -> None:
    world = Fixture()
    held = []
    delivery = world.order(lambda: DONE)
    world.publisher.problems = [
        lambda: held.append(len(world.pod._held_outcomes)),
        lambda: delivery.hand_back(connection_lost=True),
    ]

    delivery.dead_letter("malformed", "no order")

    assert (held, len(world.pod._held_outcomes)) == ([1], 0)


def test_what_may_not_begin_is_left_to_the_broker_when_its_connection_is_lost() -> None:
    world = Fixture()
    world.publisher.open = False
    world.pod.fixed_slots = 1
    with world.pod.holds_outcome(object()):
        waiting = Delivery(world.pod, world.order().message)
        waiting.connection_lost = True

        assert not waiting.wait_until_ready()
