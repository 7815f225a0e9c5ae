"""Whoever may publish orders commands no call, whichever way a message takes through the broker."""

from typing import Any

from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane

NO_CALL = {"name": "x", "method": "DELETE", "path": "/menu"}
SKIPPED = {"v": 1, "steps": [NO_CALL], "done": ["x"], "attempts": 7, "refusals": 0}
FORGED: list[dict[str, Any]] = [
    {},
    {"mr-as-published": False, "mr-attempts": 7, "mr-first-seen": 1},
    # RabbitMQ counts deliveries in this header, from the second on.
    {"x-delivery-count": 50},
    {"x-death": [{"reason": "expired", "exchange": topology.FRONT + ".router", "queue": "q", "count": 1}]},
]


def forged(order_id: str) -> list[Any]:
    order = {"id": order_id, "items": [{"name": "soup", "quantity": 1, "unit_price": 250}], "total": 250}
    return [[], {"order": order}, {"merchantroute": SKIPPED}]


def test_an_order_makes_the_route_s_calls_whatever_its_producer_wrote(lane: LocalLane) -> None:
    listed, unlisted = lane.merchant("listed"), lane.merchant("late")
    lane.configure(listed)
    lane.work().ready()
    for number, headers in enumerate(FORGED):
        for merchant in (listed, unlisted):
            order_id = f"{lane.run}-{merchant}-{number}"
            lane.publish(merchant, order_id, body=forged(order_id), headers=headers)
    lane.configure(unlisted)

    lane.until_done(lane.published)

    assert lane.ledger() == {"done": 2 * len(FORGED)}
    assert {record["attempts"] for records in lane.done.values() for record in records} == {1}


def test_a_retried_order_is_still_a_worker_s(lane: LocalLane) -> None:
    """What came through the front door is not believed, and what a worker wrote after that is."""
    lane.limits = {"maxAttempts": 3}
    merchant = lane.merchant("broken", "error")
    lane.configure(merchant)
    lane.work().ready()

    lane.publish(merchant, f"{lane.run}-a", body=forged(f"{lane.run}-a"))

    lane.until_dead([f"{lane.run}-a"])
    headers = lane.dead[f"{lane.run}-a"][0]["headers"]
    assert (headers["mr-reason"], headers["mr-attempts"]) == ("attempts-exhausted", 3)
    assert lane.merchants.receipts(lane.run)[f"{lane.run}-a"]["validate"]["receipts"] == 3
