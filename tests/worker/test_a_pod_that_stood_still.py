"""A pod that was stopped for a while blames no merchant for it."""

import json
import signal
import time
from threading import Event

from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_kit.worker.worker_process import WorkerProcess

TIMEOUT = 4.0
LONG = 1.5 * TIMEOUT


def stand_still(worker: WorkerProcess, seconds: float) -> None:
    """As a node that freezes, or a cgroup that has used up its CPU."""
    worker.signal(signal.SIGSTOP)
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        Event().wait(left)
    worker.signal(signal.SIGCONT)


def test_no_order_is_refused_after_a_standstill_and_no_merchant_is_slow(lane: LocalLane) -> None:
    """All calls that are under way run into their time-out at once, before anybody reads the answers that are there."""
    lane.limits = {"callTimeoutMs": round(TIMEOUT * 1000), "maxAttempts": 5, "maxInFlightPerMerchant": 20}
    merchant = lane.merchant("healthy", latency={"p50_ms": 400, "p99_ms": 500})
    lane.configure(merchant)
    ids = lane.orders(merchant, 200)
    worker = lane.work(concurrency=20).ready()
    lane.until_some_done(20)

    stand_still(worker, LONG)

    lane.until_done(ids, 60)
    told = worker.get("/metrics")[1]
    assert 'answer="timeout"' in told, "the standstill was too short to matter"
    assert 'outcome="refused"' not in told
    assert not [record for record in worker.records() if record["message"] == "merchant is slow"]
    (shown,) = json.loads(worker.get("/merchants")[1])["merchants"]
    assert (shown["timeouts"], shown["failuresInARow"], shown["cap"]) == (0, 0, 20)
    book = lane.ledger()
    assert (book["done"], book["dead"], book["doubled"], book["copies"]) == (200, 0, 0, 0)
