"""What comes back twice is suspect only beside a pod that died; else it is worked where it is."""

import time
from typing import Any

import pytest

from merchantroute_worker.delivery import suspects
from merchantroute_worker.delivery.delivery import Stage
from merchantroute_worker.orders.attempt_result import Attempt
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.suspicion import DEATH_WINDOW, SUSPECT_WITHOUT_DEATH
from merchantroute_worker.pools.attempt_runners import ChildLost
from tests.unit.worker.delivery.test_settlement import DEAD, Fixture, Message
from tests.unit.worker.samples import route

SUSPECT = route().suspect
DONE = Attempt(done=("validate", "confirm"))
WORKED = ["recorded", "done", "acked"]


def back(times: int, **headers: Any) -> Message:
    """An order that came back so many times."""
    given: dict[str, Any] = {"redelivered": times > 0, "x-delivery-count": times, **headers}
    return Message(**given)


def died(seconds_ago: float, tier: str = "standard") -> Any:
    """A route whose configuration tells of a pod's death."""
    return route(deaths={tier: round((time.time() - seconds_ago) * 1000)})


class ToldLater:
    """The configuration of a route, which tells of a death once it was asked a few times."""

    generation = 7

    def __init__(self) -> None:
        self.asked = 0

    @property
    def current(self) -> Any:
        self.asked += 1
        return route() if self.asked < 5 else died(1)


def lost(*_: Any) -> Attempt:
    raise ChildLost("a child process is gone")


@pytest.mark.parametrize(("times", "events"), [(1, WORKED), (2, [f"published to {SUSPECT}", "deferred", "acked"])])
def test_beside_a_pod_that_died(times: int, events: list[str]) -> None:
    world = Fixture(died(30))
    world.order(lambda: DONE, back(times)).run()

    assert world.events == events


@pytest.mark.parametrize("config", [route(), died(DEATH_WINDOW + 60), died(30, "enterprise")])
def test_without_a_death_it_is_worked_among_others(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspects, "DEATH_IS_TOLD_WITHIN", 0.0)
    world = Fixture(config)
    world.order(lambda: DONE, back(6)).run()

    assert world.events == WORKED


def test_it_waits_to_hear_of_a_death() -> None:
    world = Fixture()
    ports: Any = world.pod
    ports.files = ToldLater()
    world.order(lambda: pytest.fail("it was worked before anybody could know"), back(2)).run()

    assert world.events == [f"published to {SUSPECT}", "deferred", "acked"]


def test_a_pod_that_stops_leaves_it_to_the_broker_while_it_waits() -> None:
    world = Fixture()
    world.pod.stopping.set()
    delivery = world.order(lambda: pytest.fail("it was worked"), back(2))
    assert delivery.move_if_suspect(("bistro", "o-1", 0, 0, 0), lambda _: pytest.fail("it is dead"))

    assert (world.events, delivery.stage) == ([], Stage.WAITING)


def test_an_order_that_comes_back_again_and_again_is_suspect_whatever_is_known() -> None:
    world = Fixture()
    world.order(lambda: DONE, back(SUSPECT_WITHOUT_DEATH)).run()

    assert world.events[0] == f"published to {SUSPECT}"


def test_the_merchant_is_asked_about_an_order_that_came_back_whether_or_not_that_was_counted() -> None:
    steps = [{"name": "submit", "method": "POST", "path": "/orders", "verify": {"method": "GET", "path": "/orders"}}]
    world, seen = Fixture(route(steps=steps)), list[tuple[str, ...]]()

    def attempt(order: Order, *_: Any) -> Attempt:
        seen.append(order.journal.unsure)
        return Attempt(done=("submit",))

    for message in (Message("bistro"), Message("bistro", redelivered=True, body=b'[[], {"order": {"id": "o-2"}}, {}]')):
        delivery = world.order(message=message)
        runner: Any = delivery._runner
        runner.attempt = attempt
        delivery.run()

    assert seen == [(), ("submit",)]


def test_a_lost_child_process_makes_its_order_suspect_at_once() -> None:
    world = Fixture()
    world.order(lost).run()
    task = world.task()
    task.child_lost()
    task.rejected(None, None)

    assert [each.exchange for each in world.publisher.published] == [SUSPECT, SUSPECT]
    assert (world.events.count("acked"), world.events[-1]) == (2, "removed")
    assert ["mr-lost-processes" in each.headers for each in world.publisher.published] == [False, False]


def test_in_the_suspect_lane_the_second_child_process_makes_it_guilty() -> None:
    world = Fixture(MR_LANE="suspect")
    world.order(lost).run()
    again = world.publisher.published[0]
    assert (again.exchange, again.headers["mr-lost-processes"]) == (SUSPECT, 1)

    world.order(lost, Message(exchange=SUSPECT, **again.headers)).run()

    letter = world.publisher.published[1]
    assert (letter.exchange, letter.headers["mr-reason"]) == (DEAD, "killed-its-pod")
    assert "mr-lost-processes" not in letter.headers


def test_a_pod_that_stops_blames_nobody_for_its_child_processes() -> None:
    world = Fixture()

    def stopped() -> Attempt:
        world.pod.stopping.set()
        return lost()

    world.order(stopped).run()

    assert world.events == []
