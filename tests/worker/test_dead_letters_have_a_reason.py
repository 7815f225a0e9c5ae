"""What cannot succeed ends in dead letters, once, with the reason; everything beside it is done."""

import time
from typing import Any

import pytest

from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane

LONG_AGO = round(time.time() * 1000) - 7_200_000

MESSAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "an order that is no object": ("malformed", {"order": "soup"}),
    "a body that is no task": ("malformed", {"body": {"order": {}}}),
    "arguments that are no object": ("malformed", {"body": [[], ["soup"], {}]}),
    "a journal of another version": (
        "malformed",
        {"body": [[], {"order": {}}, {"merchantroute": {"v": 2}}], "exchange": f"{topology.FRONT}.router"},
    ),
    "an ETA that is no time": ("malformed", {"headers": {"eta": "soon"}}),
    "a message that names no task": ("malformed", {"application_headers": {}}),
    "a task that is no name": ("malformed", {"application_headers": {"task": ["x"], "id": "x"}}),
    "a body that is no JSON": ("undecodable", {"body": b"{soup"}),
    "a body of no known encoding": ("undecodable", {"body": b"\xff\xfe", "application_headers": {}}),
    "a task that the app lacks": ("unknown-task", {"headers": {"task": "kitchen.cook"}}),
    "an order past its expiry": ("expired", {"headers": {"expires": "2020-01-01T00:00:00+00:00"}}),
    "an order that is too old": ("max-age", {"headers": {"mr-published-at": LONG_AGO}}),
    "an order that the merchant refuses": ("merchant-rejected", {"order": {"id": "x", "items": []}}),
}


@pytest.fixture
def carried(lane: LocalLane) -> LocalLane:
    lane.limits = {"maxAgeMs": 3_600_000}
    return lane


def test_every_hopeless_message_is_dead_with_its_reason(carried: LocalLane) -> None:
    lane = carried
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    names = {f"{lane.run}-dead-{n}": name for n, name in enumerate(MESSAGES)}
    for order_id, name in names.items():
        lane.publish(merchant, order_id, **MESSAGES[name][1])
    good = lane.orders(merchant, 20)

    # What this pod does not know would wait for one that does.
    lane.work(MR_UNKNOWN_AFTER="0").ready()

    lane.until_done(good)
    lane.until_dead(list(names))
    reasons = {name: lane.dead[order_id][0]["headers"]["mr-reason"] for order_id, name in names.items()}
    assert reasons == {name: reason for name, (reason, _) in MESSAGES.items()}
    assert lane.ledger() == {"done": 20, "dead": len(MESSAGES)}


def test_an_order_without_an_id_is_malformed(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    lane.work().ready()

    task = {"task": "merchantroute.order"}
    lane.publish(merchant, "None", correlation_id=None, application_headers=task)

    lane.until_dead(["None"])
    assert lane.dead["None"][0]["headers"]["mr-reason"] == "malformed"


def test_the_merchant_s_refusal_is_told_in_the_letter(lane: LocalLane) -> None:
    merchant = lane.merchant("bistro")
    lane.configure(merchant)
    lane.work().ready()

    lane.publish(merchant, f"{lane.run}-a", order={"id": "a", "items": []})

    lane.until_dead([f"{lane.run}-a"])
    headers = lane.dead[f"{lane.run}-a"][0]["headers"]
    told = {name: headers[name] for name in ("mr-reason", "mr-step", "mr-attempts", "mr-answer-class")}
    assert told == {
        "mr-reason": "merchant-rejected",
        "mr-step": "validate",
        "mr-attempts": 1,
        "mr-answer-class": "4xx",
    }
    assert headers["mr-published-at"] > LONG_AGO
    assert not [name for name in headers if name.startswith("x-death")]


def test_an_order_is_dead_when_its_attempts_are_used_up(lane: LocalLane) -> None:
    lane.limits = {"maxAttempts": 3}
    merchant = lane.merchant("broken", "error", error_status=408)
    lane.configure(merchant)
    lane.work().ready()

    ids = lane.orders(merchant, 5)

    lane.until_dead(ids)
    headers = lane.dead[ids[0]][0]["headers"]
    assert (headers["mr-reason"], headers["mr-attempts"]) == ("attempts-exhausted", 3)
    assert headers["mr-answer-class"] == "4xx"
    receipts = lane.merchants.receipts(lane.run)
    assert {receipts[order_id]["validate"]["receipts"] for order_id in ids} == {3}
    assert lane.ledger() == {"dead": 5, "repeated calls": 5}


def test_an_unknown_merchant_s_order_waits_until_the_configuration_had_its_chance(lane: LocalLane) -> None:
    known, unknown, late = lane.merchant("known"), lane.merchant("unknown"), lane.merchant("late")
    lane.configure(known)
    lane.work(MR_UNKNOWN_AFTER="2").ready()

    lane.orders(unknown, 1)
    lane.orders(late, 1)
    first, second = lane.published
    lane.until_done(lane.orders(known, 5))
    assert not lane.dead
    lane.configure(late)

    lane.until_done([second])
    lane.until_dead([first])
    assert lane.dead[first][0]["headers"]["mr-reason"] == "unknown-merchant"
    assert lane.done[second][0]["attempts"] == 1
    assert lane.ledger() == {"done": 6, "dead": 1}
