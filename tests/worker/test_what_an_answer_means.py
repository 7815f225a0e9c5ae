"""A route says what answers mean; an order whose submission nobody knows the end of is asked for before it is made."""

import json
import urllib.request
from typing import Any

import pytest

from merchantroute_kit.waiting import until
from merchantroute_kit.worker.local_lane import LocalLane

SUBMIT: dict[str, Any] = {"name": "submit", "method": "POST", "path": "/orders"}
CONFIRM = {"name": "confirm", "method": "GET", "path": "/orders/{order_id}"}
VERIFIED = {**SUBMIT, "verify": {"method": "GET", "path": "/orders/{order_id}"}}
QUICK = {"callTimeoutMs": 1_000, "maxAttempts": 20}


def counts(lane: LocalLane, order_id: str, step: str) -> tuple[int, int]:
    """Receipts and effects of one step, as the merchant has them."""
    found = lane.merchants.receipts(lane.run).get(order_id, {}).get(step, {})
    return found.get("receipts", 0), found.get("effects", 0)


def submit_by_hand(lane: LocalLane, merchant: str, order_id: str) -> None:
    """The merchant gets the order by another way, as over its telephone."""
    order = {"id": order_id, "items": [{"name": "soup", "quantity": 1, "unit_price": 250}], "total": 250}
    request = urllib.request.Request(  # noqa: S310 - a URL of our own making
        f"{lane.merchants.endpoint(merchant)}/orders",
        data=json.dumps(order).encode(),
        headers={"Idempotency-Key": f"{order_id}:by-hand", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        assert answer.status == 201


def lose_an_answer(lane: LocalLane, merchant: str) -> str:
    """Publish an order that the merchant takes without saying so, and heal the merchant; gives the order's id."""
    lane.configure(merchant)
    lane.work().ready()
    (order_id,) = lane.orders(merchant, 1)
    until(lambda: counts(lane, order_id, "submit")[1] == 1, "the merchant to take the order")
    lane.merchants.behave(merchant, "normal", conflict=True)
    return order_id


def test_an_order_that_the_merchant_took_without_an_answer_is_asked_for_and_not_sent_again(lane: LocalLane) -> None:
    lane.limits = {**QUICK, "steps": [VERIFIED, CONFIRM]}
    order_id = lose_an_answer(lane, lane.merchant("mute", "mute"))

    lane.until_done([order_id])
    assert counts(lane, order_id, "submit") == (1, 1)
    assert counts(lane, order_id, "submit.verify")[0] >= 1
    assert counts(lane, order_id, "confirm")[1] == 1
    assert lane.done[order_id][0]["steps"] == ["submit", "confirm"]


def test_an_order_that_the_merchant_never_took_is_sent_again_under_its_key(lane: LocalLane) -> None:
    merchant = lane.merchant("hung", "hang")
    lane.limits = {**QUICK, "steps": [VERIFIED, CONFIRM]}
    lane.configure(merchant)
    lane.work().ready()
    (order_id,) = lane.orders(merchant, 1)
    until(lambda: counts(lane, order_id, "submit") == (1, 0), "the merchant to hang with the order")
    lane.merchants.behave(merchant, "normal")

    lane.until_done([order_id])
    receipts, effects = counts(lane, order_id, "submit")
    assert (receipts, effects) == (2, 1)
    assert counts(lane, order_id, "submit.verify")[0] >= 1


def test_an_order_of_a_killed_pod_is_asked_for_and_not_sent_again(lane: LocalLane) -> None:
    lane.limits = {"callTimeoutMs": 30_000, "deadlineMs": 60_000, "steps": [VERIFIED, CONFIRM]}
    order_id = lose_an_answer(lane, lane.merchant("mute", "mute"))

    lane.workers[0].process.kill()
    lane.work().ready()

    lane.until_done([order_id])
    assert counts(lane, order_id, "submit") == (1, 1)
    assert counts(lane, order_id, "submit.verify")[0] == 1


def test_a_409_is_done_where_the_route_says_so(lane: LocalLane) -> None:
    lane.limits = {**QUICK, "steps": [SUBMIT, CONFIRM], "answers": {"409": "Done"}}
    order_id = lose_an_answer(lane, lane.merchant("mute", "mute"))

    lane.until_done([order_id])
    receipts, effects = counts(lane, order_id, "submit")
    assert receipts >= 2
    assert effects == 1


def test_a_404_is_tried_again_where_the_route_says_so(lane: LocalLane) -> None:
    merchant = lane.merchant("late")
    lane.limits = {**QUICK, "steps": [CONFIRM], "answers": {"404": "Retry"}}
    lane.configure(merchant)
    lane.work().ready()
    (order_id,) = lane.orders(merchant, 1)
    until(lambda: counts(lane, order_id, "confirm")[0] >= 2, "a second attempt")
    submit_by_hand(lane, merchant, order_id)

    lane.until_done([order_id])
    assert lane.done[order_id][0]["attempts"] >= 3


@pytest.mark.parametrize(
    ("behaviour", "rows", "answer"), [("error", {"5xx": "Dead"}, "5xx"), ("reset", {"reset": "Dead"}, "reset")]
)
def test_a_route_may_give_up_at_once(lane: LocalLane, behaviour: str, rows: dict[str, str], answer: str) -> None:
    merchant = lane.merchant("broken", behaviour)
    lane.limits = {"answers": rows}
    lane.configure(merchant)
    lane.work().ready()

    (order_id,) = lane.orders(merchant, 1)

    lane.until_dead([order_id])
    headers = lane.dead[order_id][0]["headers"]
    told = [headers[name] for name in ("mr-reason", "mr-step", "mr-attempts", "mr-answer-class")]
    assert told == ["merchant-rejected", "validate", 1, answer]


def test_a_merchant_that_asks_for_more_time_than_the_longest_rung_gets_it_and_it_is_not_counted(
    lane: LocalLane,
) -> None:
    merchant = lane.merchant("busy", "throttle", retry_after_s=3)
    lane.limits = {**QUICK, "retryAfterMaxMs": 10_000}
    lane.configure(merchant)
    lane.work().ready()
    (order_id,) = lane.orders(merchant, 1)
    until(lambda: counts(lane, order_id, "validate")[0] >= 1, "the merchant to be called")
    lane.merchants.behave(merchant, "normal")

    lane.until_done([order_id])
    record = lane.done[order_id][0]
    # A pod lets an order begin up to a second before its time.
    assert record["seconds"] >= 2
    assert record["attempts"] == 1
    assert counts(lane, order_id, "validate")[1] == 1
