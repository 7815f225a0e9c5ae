"""The life of an order: taken from the queue, its calls made, done, and said so."""

from merchantroute_kit.worker.local_lane import LocalLane


def test_orders_are_done_with_each_step_s_effect_once(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    lane.work().ready()

    ids = lane.orders(merchant, 50)

    lane.until_done(ids)
    assert lane.ledger() == {"done": 50}
    record = lane.done[ids[0]][0]
    assert record["steps"] == ["validate", "submit", "confirm"]
    assert (record["merchant"], record["attempts"], record["redelivered"]) == (merchant, 1, False)
