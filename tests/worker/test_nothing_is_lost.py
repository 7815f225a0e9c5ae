"""Faults under load: killed, ended, cut off. Every order is done in the end, its effects once."""

import signal

from tests.worker import topology
from tests.worker.cutting import cut
from tests.worker.lane import Lane
from tests.worker.waiting import until

SLOWLY = {"p50_ms": 150, "p99_ms": 250}


def test_a_killed_worker_s_orders_are_done_by_another(lane: Lane) -> None:
    merchant = lane.merchant("bistro", latency=SLOWLY)
    lane.configure(merchant)
    victim = lane.work().ready()

    ids = lane.orders(merchant, 150)
    lane.until_some_done(20)
    victim.signal(signal.SIGKILL)
    lane.work().ready()

    lane.until_done(ids, 60)
    book = lane.ledger()
    assert (book["done"], book["lost"], book["doubled"]) == (150, 0, 0)


def test_sigterm_under_load_finishes_what_was_begun_and_hands_back_the_rest(lane: Lane) -> None:
    merchant = lane.merchant("bistro", latency=SLOWLY)
    lane.configure(merchant)
    leaving = lane.work().ready()

    ids = lane.orders(merchant, 150)
    lane.until_some_done(20)
    leaving.signal(signal.SIGTERM)
    assert leaving.wait() == 0
    lane.work().ready()

    lane.until_done(ids, 60)
    assert lane.ledger() == {"done": 150}


def test_orders_that_outlast_the_grace_are_handed_back(lane: Lane) -> None:
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


def test_a_cut_connection_costs_no_order(lane: Lane) -> None:
    merchant = lane.merchant("bistro", latency=SLOWLY)
    lane.configure(merchant)
    worker = lane.work().ready()

    ids = lane.orders(merchant, 150)
    lane.until_some_done(20)
    assert cut(lane.vhost) >= 2
    worker.ready()

    lane.until_done(ids, 60)
    book = lane.ledger()
    assert (book["done"], book["lost"], book["doubled"]) == (150, 0, 0)
    assert worker.process.poll() is None


def test_orders_are_held_while_the_ladder_is_not_there(lane: Lane) -> None:
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
