"""Orders that share an id: none is acked, or judged, because of another one."""

import time
from typing import Any

import pytest

from merchantroute_worker.delivery.delivery import Delivery, Stage
from merchantroute_worker.orders.attempt_result import Attempt
from tests.unit.worker.delivery.test_settlement import DEAD, Fixture, Message
from tests.unit.worker.samples import route

DONE = Attempt(done=("validate", "confirm"))
ANY_MERCHANT = route(defaultEndpoint="https://pos.example/{merchant}")
MENDED = b'[[], {"order": {"id": "o-1", "table": 7}}, {}]'
STAMP = "mr-published-at"
NOW = round(time.time() * 1000)
SAME_ID: list[tuple[dict[str, Any], dict[str, Any]]] = [
    # Ids are a producer's: that of another merchant may count as this one's does.
    ({}, {"merchant": "trattoria"}),
    ({STAMP: NOW}, {STAMP: NOW, "merchant": "trattoria"}),
    # A dead order was corrected, and published again with its id.
    ({STAMP: NOW}, {STAMP: NOW + 1}),
    ({}, {"body": MENDED}),
    # A stamp that is no time distinguishes nothing.
    ({STAMP: [NOW]}, {STAMP: [NOW], "body": MENDED}),
]


@pytest.fixture
def world() -> Fixture:
    """One pod, whose route takes every merchant."""
    return Fixture(ANY_MERCHANT)


@pytest.mark.parametrize(("settled", "other"), SAME_ID)
def test_an_order_is_not_acked_because_another_with_its_id_was_settled(
    world: Fixture, settled: dict[str, Any], other: dict[str, Any]
) -> None:
    world.order(lambda: DONE, Message(**settled)).run()
    assert world.events == ["recorded", "done", "acked"]

    world.order(lambda: DONE, Message(redelivered=True, **other)).run()

    assert world.events[3:] == ["recorded", "done", "done", "acked"]


@pytest.mark.parametrize(("settled", "other"), SAME_ID)
def test_a_task_is_not_acked_because_another_with_its_id_was_settled(
    world: Fixture, settled: dict[str, Any], other: dict[str, Any]
) -> None:
    world.task(Message(**settled)).acked()
    second = world.task(Message(redelivered=True, **other))

    assert second.stage is Stage.CALLING
    second.acked()
    assert world.events[4:] == ["recorded", "done", "done", "acked", "removed"]


def test_a_letter_is_not_acked_because_another_with_its_id_was_settled(world: Fixture) -> None:
    for merchant in ("bistro", "trattoria"):
        message = Message(merchant, redelivered=True, body=b"{soup")
        Delivery(world.pod, message).dead_letter("undecodable", "no JSON")

    assert [each.routing_key for each in world.publisher.published] == ["bistro", "trattoria"]
    assert [each.exchange for each in world.publisher.published] == [DEAD, DEAD]


@pytest.mark.parametrize("headers", [{}, {STAMP: NOW}])
def test_the_same_stay_is_acked_without_another_call(world: Fixture, headers: dict[str, Any]) -> None:
    world.order(lambda: DONE, Message(**headers)).run()

    world.order(lambda: pytest.fail("called again"), Message(redelivered=True, **headers)).run()

    assert world.events == ["recorded", "done", "acked", "done", "acked"]


def test_a_pod_that_survived_an_order_has_not_survived_another_merchant_s_with_its_id() -> None:
    """In the suspect lane what this process survived goes back with its count at zero; the rest is guilty."""
    world = Fixture(ANY_MERCHANT, MR_LANE="suspect")
    world.order(lambda: DONE, Message("bistro")).run()

    guilty: dict[str, Any] = {"merchant": "trattoria", "redelivered": True, "x-delivery-count": 2}
    world.order(lambda: DONE, Message(**guilty)).run()

    assert [each.exchange for each in world.publisher.published] == [DEAD]
    assert world.publisher.published[0].headers["mr-reason"] == "killed-its-pod"
