"""A merchant that hangs keeps its orders waiting, and nobody else's."""

import json

from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane
from tests.worker.conftest import DELAYS


def test_others_are_done_while_one_hangs_and_its_orders_are_done_once_it_heals(lane: LocalLane) -> None:
    lane.limits = {"callTimeoutMs": 4000, "maxAttempts": 2}
    hung, healthy = lane.merchant("hung", "hang"), lane.merchant("healthy")
    lane.configure(hung, healthy)
    worker = lane.work(concurrency=20).ready()

    waiting = lane.orders(hung, 100)
    until(lambda: json.loads(worker.get("/merchants")[1])["merchants"], "the hung merchant to hold slots")
    done = lane.orders(healthy, 200)

    lane.until_done(done)
    assert not set(waiting) & set(lane.done)
    sight = json.loads(worker.get("/merchants")[1])["merchants"]
    assert [entry["slow"] for entry in sight if entry["merchant"] == hung] == [True]
    lane.merchants.behave(hung, "normal")
    lane.until_done(waiting, 60)
    book = lane.ledger()
    assert (book["done"], book["dead"], book["doubled"], book["copies"]) == (300, 0, 0, 0)
    assert {lane.done[order_id][0]["attempts"] for order_id in waiting} == {1}


def test_a_slow_merchant_keeps_one_slot(lane: LocalLane) -> None:
    lane.limits = {"callTimeoutMs": 1000}
    hung = lane.merchant("hung", "hang")
    lane.configure(hung)
    worker = lane.work(concurrency=20).ready()

    lane.orders(hung, 60)

    def held() -> list[int]:
        entries = json.loads(worker.get("/merchants")[1])["merchants"]
        return [entry["inFlight"] for entry in entries if entry["slow"]]

    until(lambda: held() == [1], "the slow merchant to hold one slot")


def test_a_flood_without_an_own_queue_waits_longer_after_three_rounds_and_is_done_once_its_merchant_heals(
    lane: LocalLane,
) -> None:
    lane.limits = {"callTimeoutMs": 1000}
    hung, healthy = lane.merchant("hung", "hang"), lane.merchant("healthy")
    lane.configure(hung, healthy)
    worker = lane.work(concurrency=20).ready()

    flood = lane.orders(hung, 300)
    until(lambda: waiting(lane, topology.SOONEST) > 100, "refused orders to wait for a second")
    until(lambda: waiting(lane, max(DELAYS)) > 100, "them to wait longer after three rounds")
    lane.until_done(lane.orders(healthy, 20))
    metrics = worker.get("/metrics")[1]
    assert 'merchantroute_ladder_total{reason="slow"' in metrics
    assert 'merchantroute_refused_total{destination="rung"' in metrics

    lane.merchants.behave(hung, "normal")
    lane.until_done(flood, 90)
    book = lane.ledger()
    assert (book["done"], book["dead"], book["doubled"], book["copies"]) == (320, 0, 0, 0)


def waiting(lane: LocalLane, rung: int) -> int:
    """Orders that wait on a rung."""
    return int(lane.channel.queue_declare(f"{topology.RETRY}.{rung}", passive=True).message_count)


def test_a_drip_fed_answer_ends_at_the_total_deadline(lane: LocalLane) -> None:
    lane.limits = {"callTimeoutMs": 500, "maxAttempts": 50}
    dripping = lane.merchant("dripping", "drip", drip_ms=200)
    lane.configure(dripping)
    worker = lane.work().ready()

    ids = lane.orders(dripping, 2)

    def timeouts() -> list[object]:
        return [record for record in worker.records() if record.get("answer") == "timeout"]

    until(timeouts, "a call to time out", 10)
    lane.merchants.behave(dripping, "normal")
    lane.until_done(ids)
    assert lane.ledger()["done"] == 2


def test_a_pulse_names_the_slow_merchant(lane: LocalLane) -> None:
    lane.limits = {"callTimeoutMs": 2000}
    hung = lane.merchant("hung", "hang")
    lane.configure(hung)
    lane.work().ready()

    lane.orders(hung, 5)

    def slow() -> list[str]:
        message = lane.channel.basic_get(topology.PULSES, no_ack=True)
        pulse = json.loads(message.body) if message else {"slow": []}
        return [entry["merchant"] for entry in pulse["slow"]]

    assert until(slow, "a pulse with a slow merchant") == [hung]
