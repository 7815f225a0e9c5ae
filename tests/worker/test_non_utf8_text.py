"""Messages with text that is no UTF-8 among orders: each is a dead letter with a reason, and costs nobody anything."""

from typing import Any

import pytest

from merchantroute_kit.waiting import until
from merchantroute_kit.worker.local_lane import LocalLane
from tests.worker.plain_app import APPS, PlainApp

RAW = b"\xff\xfe caf\xe9"


def dead(lane: LocalLane) -> dict[str, Any]:
    lane.look()
    return lane.dead


@pytest.mark.parametrize(
    "message",
    [
        {"correlation_id": RAW},
        {"type": RAW},
        {"content_type": RAW},
        {"content_encoding": RAW},
        {"headers": {RAW: "soup"}},
        {"headers": {"deep": {RAW: "soup"}, RAW: [{RAW: 1}]}, "app_id": RAW},
        {"merchant": RAW},
        {"headers": {"task": "shop.cook"}, "reply_to": RAW},
        {"headers": {"task": "no.such.task"}, "message_id": RAW},
    ],
    ids=str,
)
def test_it_is_dead_with_a_reason_and_its_neighbours_are_done(lane: LocalLane, message: dict[str, Any]) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    worker = PlainApp(lane).work()
    worker.ready()
    given = {"correlation_id": f"{lane.run}-strange", **message}
    before = lane.orders(merchant, 5)
    lane.publish(given.pop("merchant", merchant), "strange", headers=given.pop("headers", None), **given)
    after = lane.orders(merchant, 20)

    lane.until_done(before + after)
    until(lambda: dead(lane), "the dead letter")
    ((letter,),) = lane.dead.values()
    assert letter["headers"]["mr-reason"] == "undecodable"
    assert b'"order"' in letter["body"]
    until(lambda: lane.queued() == 0, "everything to be acked")
    again = [record["message"] for record in worker.records() if "starts again" in record["message"]]
    assert not again, "the consumer had to start again"


def test_a_header_s_value_may_be_any_bytes(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    lane.work(PYTHONPATH=str(APPS)).ready()
    lane.publish(merchant, f"{lane.run}-bytes", headers={"picture": RAW})

    lane.until_done([f"{lane.run}-bytes"])
