"""Limits reach running pods through their files: no restart, no order touched."""

import json
import re
from collections.abc import Iterator

import pytest

from merchantroute_kit.waiting import until
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_kit.worker.worker_process import WorkerProcess

SLOWLY = {"p50_ms": 100, "p99_ms": 150}


def slots(worker: WorkerProcess) -> int:
    """How many orders at a time the pod says it has."""
    return int(json.loads(worker.get("/merchants")[1])["slots"])


@pytest.fixture
def tuned(lane: LocalLane) -> Iterator[LocalLane]:
    """A lane whose workers take their number of slots from the configuration."""
    yield lane
    assert all(worker.process.poll() is None for worker in lane.workers)


def test_concurrency_is_raised_and_lowered_under_load_and_no_order_is_handed_out_twice(tuned: LocalLane) -> None:
    merchant = tuned.merchant("bistro", latency=SLOWLY)
    tuned.limits = {"maxInFlightPerMerchant": 100}
    tuned.configure(merchant, concurrency=20)
    worker = tuned.work(None).ready()

    ids = tuned.orders(merchant, 600)
    for wanted in (60, 10, 40):
        tuned.configure(concurrency=wanted)
        until(lambda wanted=wanted: slots(worker) == wanted, f"{wanted} slots")  # type: ignore[misc]
        until(lambda wanted=wanted: tuned.prefetch() == wanted, f"prefetch {wanted} at the broker")  # type: ignore[misc]
        done = len(tuned.done)
        tuned.until_some_done(min(600, done + 20))

    tuned.until_done(ids, 90)
    assert tuned.ledger() == {"done": 600}
    # By the pod's own count, not by the broker's mark: RabbitMQ takes back what was on its way to a consumer that is
    # cancelled before it leaves the broker, and calls it redelivered although nobody ever had it.
    assert handed_out(worker) == 600


def handed_out(worker: WorkerProcess) -> int:
    """Orders that the pod took, without those that it sent to wait."""
    taken = int(json.loads(worker.get("/merchants")[1])["taken"])
    pattern = r'merchantroute_orders_total\{.*outcome="(?:retried|refused|deferred)".*\} (\S+)'
    sent = re.findall(pattern, worker.get("/metrics")[1])
    return taken - sum(int(float(count)) for count in sent)


def configuration(worker: WorkerProcess) -> str:
    """What the pod says about the configuration that it has not taken; empty when there is none."""
    return str(json.loads(worker.get("/merchants")[1])["configuration"])


def test_a_change_that_makes_no_sense_is_not_taken_and_said(tuned: LocalLane) -> None:
    merchant = tuned.merchant("bistro")
    tuned.configure(merchant, concurrency=20)
    worker = tuned.work(None).ready()

    tuned.limits = {"delaysMs": []}
    tuned.configure(concurrency=30)
    # Between the writes of its files the pod does not take it either, for another reason.
    until(lambda: "at least one step and one delay" in configuration(worker), "the pod to say so")

    assert any("configuration not taken" in record["message"] for record in worker.records())
    assert slots(worker) == 20
    tuned.until_done(tuned.orders(merchant, 5))

    tuned.limits = {}
    tuned.configure(concurrency=30)
    until(lambda: slots(worker) == 30, "the corrected change to be taken")
