"""What ends late, or has no way on: all is done in the end, effects once. Faults under load are in test_chaos."""

import signal

from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane


def test_orders_that_outlast_the_grace_are_handed_back(lane: LocalLane) -> None:
    lane.limits = {"callTimeoutMs": 60_000, "deadlineMs": 60_000}
    merchant = lane.merchant("hung", "hang")
    lane.configure(merchant)
    leaving = lane.work(MR_GRACE="3").ready()

    ids = lane.orders(merchant, 5)
    until(lambda: lane.unacked() == 5, "the worker to have taken the orders")
    leaving.signal(signal.SIGTERM)
    assert leaving.wait() == 0
    lane.merchants.behave(merchant, "normal")
    lane.work().ready()

    lane.until_done(ids)
    book = lane.ledger()
    assert (book["done"], book["doubled"], book["copies"]) == (5, 0, 0)


def test_orders_are_held_while_the_ladder_is_not_there(lane: LocalLane) -> None:
    lane.limits = {"maxAttempts": 50}
    merchant = lane.merchant("broken", "error")
    lane.configure(merchant)
    worker = lane.work().ready()
    with topology.connect(lane.vhost) as connection:
        connection.channel().exchange_delete(topology.RETRY)

    ids = lane.orders(merchant, 5)
    until(lambda: any(r.get("reason") == "held" for r in worker.records()), "orders to be held")
    until(lambda: lane.unacked() == 5, "the broker to count them as unacked")
    lane.merchants.behave(merchant, "normal")
    topology.declare(lane.vhost, (200, 700))

    lane.until_done(ids, 60)
    book = lane.ledger()
    assert (book["done"], book["doubled"], book["copies"]) == (5, 0, 0)
