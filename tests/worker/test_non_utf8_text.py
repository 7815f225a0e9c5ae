"""Messages with text that is no UTF-8 among orders: each is a dead letter with a reason, and costs nobody anything."""

from typing import Any

from merchantroute_kit.waiting import until
from merchantroute_kit.worker.local_lane import LocalLane
from tests.worker.plain_app import APPS, PlainApp

RAW = b"\xff\xfe caf\xe9"


MESSAGES: tuple[dict[str, Any], ...] = (
    {"correlation_id": RAW},
    {"type": RAW},
    {"content_type": RAW},
    {"content_encoding": RAW},
    {"headers": {RAW: "soup"}},
    {"headers": {"deep": {RAW: "soup"}, RAW: [{RAW: 1}]}, "app_id": RAW},
    {"merchant": RAW},
    {"headers": {"task": "shop.cook"}, "reply_to": RAW},
    {"headers": {"task": "no.such.task"}, "message_id": RAW},
)


def letters(lane: LocalLane) -> list[dict[str, Any]]:
    lane.look()
    return [letter for same in lane.dead.values() for letter in same]


def test_each_is_dead_with_a_reason_and_its_neighbours_are_done(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    worker = PlainApp(lane).work()
    worker.ready()
    innocent = lane.orders(merchant, 5)
    for number, message in enumerate(MESSAGES):
        given = {"correlation_id": f"{lane.run}-strange-{number}", **message}
        headers = {"number": number, **given.pop("headers", {})}
        lane.publish(given.pop("merchant", merchant), "strange", headers=headers, **given)
        innocent += lane.orders(merchant, 5)

    lane.until_done(innocent)
    until(lambda: len(letters(lane)) == len(MESSAGES), "a dead letter for each")
    assert {letter["headers"]["number"] for letter in letters(lane)} == set(range(len(MESSAGES)))
    assert {letter["headers"]["mr-reason"] for letter in letters(lane)} == {"undecodable"}
    assert all(b'"order"' in letter["body"] for letter in letters(lane))
    until(lambda: lane.queued() == 0, "everything to be acked")
    again = [record["message"] for record in worker.records() if "starts again" in record["message"]]
    assert not again, "the consumer had to start again"


def test_a_header_s_value_may_be_any_bytes(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    lane.work(PYTHONPATH=str(APPS)).ready()
    lane.publish(merchant, f"{lane.run}-bytes", headers={"picture": RAW})

    lane.until_done([f"{lane.run}-bytes"])
