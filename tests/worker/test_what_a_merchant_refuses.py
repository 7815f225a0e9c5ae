"""What a merchant refuses is held against the merchant and not against its orders: none of them dies of it.

Rungs of 0.2 and 0.7 s stand for 1 s, 15 s and 2 min, and four attempts for eight: an order whose attempts count is dead
after two seconds, as it is after a few minutes with the defaults.
"""

import json
import time
from typing import Any

import pytest

from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane

OUTAGE = 6.0
"""Seconds: three times what an order lives whose attempts count, as fifteen minutes are with the defaults."""
HEALTHY = {"p50_ms": 10, "p99_ms": 20}


def heal(lane: LocalLane, merchant: str, **more: Any) -> None:
    lane.merchants.behave(merchant, "normal", latency=HEALTHY, **more)


def last_a_while(lane: LocalLane) -> None:
    """Let the outage last, and look whether orders die of it."""
    over = time.monotonic() + OUTAGE
    until(lambda: time.monotonic() >= over, "the outage to be over", 2 * OUTAGE)
    lane.look()
    assert not lane.dead


def in_a_pulse(lane: LocalLane, field: str) -> Any:
    """Wait for a pulse with this field; gives what it says."""

    def said() -> Any:
        message = lane.channel.basic_get(topology.PULSES, no_ack=True)
        return json.loads(message.body).get(field) if message else None

    return until(said, f"a pulse with {field}")


@pytest.mark.parametrize("status", [500, 503])
def test_a_merchant_that_answers_5xx_for_long_and_heals_loses_no_order(lane: LocalLane, status: int) -> None:
    broken, healthy = lane.merchant("broken", "error", error_status=status), lane.merchant("healthy")
    lane.configure(broken, healthy)
    lane.work().ready()

    waiting = lane.orders(broken, 60)
    lane.until_done(lane.orders(healthy, 60))
    assert [entry["merchant"] for entry in in_a_pulse(lane, "slow")] == [broken]
    last_a_while(lane)
    heal(lane, broken)

    lane.until_done(waiting, 60)
    assert not lane.dead
    book = lane.ledger()
    assert (book["done"], book["dead"], book["doubled"], book["copies"]) == (120, 0, 0, 0)


def test_one_order_whose_merchant_answers_503_for_long_is_not_lost(lane: LocalLane) -> None:
    broken = lane.merchant("broken", "error", error_status=503)
    lane.configure(broken)
    lane.work().ready()

    (order,) = lane.orders(broken, 1)
    until(lambda: lane.merchants.receipts(lane.run).get(order), "the merchant to be called")
    last_a_while(lane)
    heal(lane, broken)

    lane.until_done([order])


def test_an_order_that_alone_meets_500_at_a_healthy_merchant_is_dead_when_its_attempts_are_used_up(
    lane: LocalLane,
) -> None:
    poison = f"{lane.run}-poison"
    merchant = lane.merchant("bistro", poison=poison)
    lane.configure(merchant)
    lane.work().ready()

    lane.publish(merchant, poison)
    good = lane.orders(merchant, 20)

    lane.until_done(good)
    lane.until_dead([poison])
    headers = lane.dead[poison][0]["headers"]
    assert (headers["mr-reason"], headers["mr-attempts"]) == ("attempts-exhausted", 4)
    assert lane.ledger() == {"done": 20, "dead": 1, "repeated calls": 1}


def test_a_merchant_with_a_rate_gets_no_more_for_long_and_loses_no_order(lane: LocalLane) -> None:
    lane.limits = {"retryAfterMaxMs": 60_000}
    busy = lane.merchant("busy", "throttle", calls_per_s=30, retry_after_s=1)
    healthy = lane.merchant("healthy")
    lane.configure(busy, healthy)
    worker = lane.work().ready()

    limited = lane.orders(busy, 150)
    assert [entry["merchant"] for entry in in_a_pulse(lane, "paused")] == [busy]
    lane.until_done(lane.orders(healthy, 60))

    lane.until_done(limited, 90)
    assert not lane.dead
    book = lane.ledger()
    assert (book["done"], book["dead"], book["doubled"], book["copies"]) == (210, 0, 0, 0)
    assert {lane.done[order][0]["attempts"] for order in limited} == {1}, "no 429 is an attempt"
    told = worker.get("/metrics")[1]
    assert 'merchantroute_ladder_total{reason="slow"}' not in told
    # Whichever an order meets first: the merchant's pause, or the rate that was learned from it.
    assert any(f'merchantroute_ladder_total{{reason="{reason}"}}' in told for reason in ("paused", "rate-limit"))
    assert 'outcome="deferred"' in told


def test_a_pause_holds_for_all_orders_of_the_merchant_at_once(lane: LocalLane) -> None:
    lane.limits = {"retryAfterMaxMs": 600_000}
    busy = lane.merchant("busy", "throttle", retry_after_s=300)
    lane.configure(busy)
    worker = lane.work().ready()
    first = lane.orders(busy, 1)
    until(lambda: lane.merchants.receipts(lane.run).get(first[0]), "the merchant to be called")
    (paused,) = in_a_pulse(lane, "paused")
    assert (paused["merchant"], 290 < paused["seconds"] <= 300) == (busy, True)
    heal(lane, busy)

    later = lane.orders(busy, 20)

    until(lambda: _waiting(worker.get("/metrics")[1]) >= 60, "each of them to be refused a few times")
    assert set(lane.merchants.receipts(lane.run)) == set(first), "none of the others was a call"
    assert not set(later) & set(lane.done)
    (shown,) = json.loads(worker.get("/merchants")[1])["merchants"]
    assert 250 < shown["pausedFor"] <= 300


def _waiting(metrics: str) -> float:
    lines = [line for line in metrics.splitlines() if line.startswith('merchantroute_ladder_total{reason="paused"}')]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


@pytest.mark.parametrize("first", ["taken before", "never taken"])
def test_a_token_that_the_merchant_rotated_first_costs_no_order(lane: LocalLane, first: str) -> None:
    old, new = ({"type": "Bearer", "token": token} for token in ("0ld-t0ken", "n3w-t0ken"))
    merchant = lane.merchant("rotating", auth=old if first == "taken before" else new)
    lane.configure(merchant)
    lane.configure(credentials={merchant: old})
    worker = lane.work().ready()
    if first == "taken before":
        lane.until_done(lane.orders(merchant, 20))
        heal(lane, merchant, auth=new)

    ids = lane.orders(merchant, 60)
    assert in_a_pulse(lane, "credentialsRefused") == [merchant]
    last_a_while(lane)
    lane.configure(credentials={merchant: new})

    lane.until_done(ids, 60)
    assert not lane.dead
    assert {lane.done[order][0]["attempts"] for order in ids} == {1}, "no 401 is an attempt"
    refused = sum(step["receipts"] for order in ids for step in lane.merchants.receipts(lane.run)[order].values()) - 180
    assert refused <= 20 + 6, "those in flight, and then one at growing intervals"
    shown = worker.log.read_text() + worker.get("/merchants")[1] + worker.get("/metrics")[1]
    assert "t0ken" not in shown


def test_a_route_s_own_row_for_401_counts(lane: LocalLane) -> None:
    merchant = lane.merchant("strict", auth={"type": "Bearer", "token": "t"})
    lane.limits = {"answers": {"401": "Dead"}}
    lane.configure(merchant)
    lane.work().ready()

    (order,) = lane.orders(merchant, 1)

    lane.until_dead([order])
    assert lane.dead[order][0]["headers"]["mr-reason"] == "merchant-rejected"


def test_a_403_that_one_order_alone_meets_is_its_own(lane: LocalLane) -> None:
    """The merchant takes others all the time, as a busy one does."""
    poison = f"{lane.run}-poison"
    merchant = lane.merchant("bistro", poison=poison, error_status=403)
    lane.configure(merchant)
    lane.work().ready()
    lane.until_done(lane.orders(merchant, 3))

    lane.publish(merchant, poison)

    def dead() -> bool:
        lane.until_done(lane.orders(merchant, 1))
        return poison in lane.dead

    until(dead, "the order to be dead")
    headers = lane.dead[poison][0]["headers"]
    assert (headers["mr-reason"], headers["mr-attempts"]) == ("merchant-rejected", 3)
    assert headers["mr-answer"] == "HTTP 403"
