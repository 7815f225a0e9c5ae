"""What each pool gives: a test for every cell of the table in docs/pools.md that says yes, and for some that say no.

gevent is what all other modules of this suite work with: its column is theirs, and repeated here by `make test-all`.
"""

import signal

import pytest

from merchantroute_kit.waiting import until
from merchantroute_kit.worker.local_lane import LocalLane

POOLS = (pytest.param("gevent", marks=pytest.mark.extended), "threads", "prefork")
every_pool = pytest.mark.parametrize("pool", POOLS)


def work(lane: LocalLane, pool: str, **env: str) -> None:
    """Start a worker with four slots of this pool."""
    lane.work(4, arguments=["--pool", pool], **env).ready()


@every_pool
def test_orders_are_done(lane: LocalLane, pool: str) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant, concurrency=4)
    work(lane, pool)

    lane.until_done(lane.orders(merchant, 40))

    until(lambda: lane.queued() == 0, "everything to be acked")
    assert lane.ledger() == {"done": 40}


@every_pool
def test_a_call_ends_at_its_time_out_and_waits_on_the_ladder(lane: LocalLane, pool: str) -> None:
    lane.limits = {"callTimeoutMs": 500, "deadlineMs": 1000}
    merchant = lane.merchant("dripping", "drip")
    lane.configure(merchant, concurrency=4)
    worker = lane.work(4, arguments=["--pool", pool]).ready()

    ids = lane.orders(merchant, 2)
    until(lambda: any(r.get("answer") == "timeout" for r in worker.records()), "a call to time out")
    lane.merchants.behave(merchant, "normal")

    lane.until_done(ids)
    assert lane.ledger()["doubled"] == 0


@every_pool
def test_a_hung_merchant_leaves_slots_to_the_others(lane: LocalLane, pool: str) -> None:
    lane.limits = {"callTimeoutMs": 4000, "deadlineMs": 8000, "maxInFlightPerMerchant": 2}
    hung, other = lane.merchant("hung", "hang"), lane.merchant("bistro")
    lane.configure(hung, other, concurrency=4)
    work(lane, pool)

    stuck = lane.orders(hung, 8)
    until(lambda: lane.unacked() >= 1, "the hung merchant to hold a slot")
    lane.until_done(lane.orders(other, 20))

    lane.merchants.behave(hung, "normal")
    lane.until_done(stuck, 60)
    book = lane.ledger()
    assert (book["done"], book["lost"], book["doubled"]) == (28, 0, 0)


@every_pool
def test_sigterm_finishes_what_was_begun(lane: LocalLane, pool: str) -> None:
    merchant = lane.merchant("bistro", latency={"p50_ms": 150, "p99_ms": 250})
    lane.configure(merchant, concurrency=4)
    leaving = lane.work(4, arguments=["--pool", pool]).ready()

    ids = lane.orders(merchant, 40)
    lane.until_some_done(5)
    leaving.signal(signal.SIGTERM)
    assert leaving.wait() == 0
    work(lane, pool)

    lane.until_done(ids, 60)
    assert lane.ledger() == {"done": 40}


@every_pool
def test_short_orders_are_finished_at_sigterm_and_none_is_handed_back(lane: LocalLane, pool: str) -> None:
    """Also those that a pod has taken and not begun: their attempts begin after Celery has closed its pools."""
    merchant = lane.merchant("bistro", latency={"p50_ms": 5, "p99_ms": 10})
    lane.configure(merchant, concurrency=4)
    leaving = lane.work(4, arguments=["--pool", pool], MR_GRACE="10").ready()

    ids = lane.orders(merchant, 1000)
    lane.until_some_done(100)
    leaving.signal(signal.SIGTERM)
    assert leaving.wait() == 0
    work(lane, pool)

    lane.until_done(ids, 60)
    assert lane.ledger() == {"done": 1000}
    assert "handed back" not in leaving.log.read_text()


@every_pool
def test_orders_that_outlast_the_grace_are_handed_back(lane: LocalLane, pool: str) -> None:
    lane.limits = {"callTimeoutMs": 60_000, "deadlineMs": 60_000}
    merchant = lane.merchant("hung", "hang")
    lane.configure(merchant, concurrency=4)
    leaving = lane.work(4, arguments=["--pool", pool], MR_GRACE="3").ready()

    ids = lane.orders(merchant, 2)
    until(lambda: lane.unacked() >= 1, "the worker to have taken the orders")
    leaving.signal(signal.SIGTERM)
    assert leaving.wait() == 0
    lane.merchants.behave(merchant, "normal")
    work(lane, pool)

    lane.until_done(ids)
    book = lane.ledger()
    assert (book["done"], book["doubled"], book["copies"]) == (2, 0, 0)


@every_pool
def test_a_killed_pod_s_orders_are_done_by_another(lane: LocalLane, pool: str) -> None:
    merchant = lane.merchant("bistro", latency={"p50_ms": 100, "p99_ms": 150})
    lane.configure(merchant, concurrency=4)
    victim = lane.work(4, arguments=["--pool", pool]).ready()

    ids = lane.orders(merchant, 40)
    lane.until_some_done(5)
    victim.signal(signal.SIGKILL)
    work(lane, pool)

    lane.until_done(ids, 60)
    book = lane.ledger()
    assert (book["done"], book["lost"], book["doubled"]) == (40, 0, 0)
