"""An order for later is looked at a few times until it is due, and nobody has refused it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from merchantroute_worker.orders import decisions, task_decisions, task_message
from merchantroute_worker.orders.decisions import Run
from merchantroute_worker.orders.envelope import Order
from merchantroute_worker.orders.messages import Incoming
from merchantroute_worker.orders.outcome import ToLadder
from merchantroute_worker.orders.task_decisions import RunTask
from tests.unit.worker.samples import order, route

NOW = 1_800_000_000.0
HOUR, DAY = 3_600.0, 86_400.0
FAR = route(etaDelaysMs=[600_000, 3_600_000, 21_600_000])
SHORT = route()


def header(eta: float) -> dict[str, str]:
    return {"eta": datetime.fromtimestamp(eta, UTC).isoformat()}


def rounds(eta: float, waiting: Order, known: object = FAR) -> list[ToLadder[Order]]:
    """The rounds on the ladder, each of which takes as long as its rung, until the order runs."""
    found, now = list[ToLadder[Order]](), NOW
    while True:
        to = decisions.before_slot(waiting, header(eta), known, now=now, unknown_after=300)  # type: ignore[arg-type]
        if isinstance(to, Run):
            assert abs(now - eta) <= 1.0
            return found
        assert isinstance(to, ToLadder)
        found.append(to)
        waiting, now = to.order, now + to.rung / 1000


def test_an_order_for_tomorrow_is_looked_at_a_few_times() -> None:
    far = [to.rung for to in rounds(NOW + DAY - 1, order())]
    assert far[:3] == [21_600_000] * 3
    assert len(far) < 45
    # A route of an older operator has no such rungs.
    assert len(rounds(NOW + DAY - 1, order(), SHORT)) > 700


def test_rounds_for_an_eta_are_no_refusals_and_each_is_a_stay_of_its_own() -> None:
    waiting = order()
    found = rounds(NOW + 2 * HOUR + 17, waiting)

    last = found[-1].order
    assert (last.journal.refusals, last.journal.attempts, last.journal.waits) == (0, 0, len(found))
    keys = [waiting.delivery_key, *(to.order.delivery_key for to in found)]
    assert len({*keys}) == len(keys)
    # When it is due and refused, it waits as briefly as any other at first.
    assert decisions.refused(last, FAR, "slow").rung == 1_000


def test_the_count_travels_in_the_journal() -> None:
    waits = rounds(NOW + HOUR, order())[-1].order.journal.as_json(FAR.steps)["waits"]
    assert order(journal={"v": 1, "steps": [], "done": [], "attempts": 0, "refusals": 0, "waits": waits}).journal.waits


def test_a_task_s_rounds_for_an_eta_are_no_refusals_either() -> None:
    message = Incoming("bistro", b"[]", {}, {"id": "t-1", "task": "shop.send", **header(NOW + DAY)})
    task = task_message.read(message, now=NOW)
    keys = {task.delivery_key}
    for count in (1, 2, 3):
        to = task_decisions.before_slot(task, FAR, now=NOW)
        assert isinstance(to, ToLadder)
        assert (to.rung, to.order.refusals, to.order.waits) == (21_600_000, 0, count)
        message = message._replace(headers={**message.headers, **to.order.rung_headers(to.rung)})
        task = task_message.read(message, now=NOW)
        keys.add(task.delivery_key)
    assert len(keys) == 4


@pytest.mark.parametrize(("zone", "runs"), [("UTC", False), ("Asia/Tokyo", True)])
def test_a_task_s_time_without_a_zone_is_in_its_app_s(zone: str, runs: bool) -> None:
    eta = datetime.fromtimestamp(NOW + HOUR, UTC).replace(tzinfo=None).isoformat()
    message = Incoming("bistro", b"[]", {}, {"id": "t-1", "task": "shop.send", "eta": eta})

    task = task_message.read(message, now=NOW, zone=ZoneInfo(zone))

    assert isinstance(task_decisions.before_slot(task, FAR, now=NOW), RunTask) is runs
