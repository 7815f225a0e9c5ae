"""Merchants that want requests of their own and answer with ids that later steps need, over real HTTP and a broker."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from merchantroute_kit.waiting import until
from merchantroute_kit.worker.local_lane import LocalLane
from tests.worker.strict_pos import StrictPos, strict_pos

CREATE: dict[str, Any] = {
    "name": "create",
    "request": {
        "method": "POST",
        "path": "/v2/orders",
        "body": {"json": {"reference": "{order_id}", "lines": "{/items}", "total": "{/total}"}},
    },
    "capture": {"posId": {"json": "/data/order/id"}, "etag": {"header": "ETag"}},
    "success": [{"json": "/status", "in": ["ok"]}],
}
CONFIRM: dict[str, Any] = {
    "name": "confirm",
    "request": {
        "method": "PATCH",
        "path": "/v2/stores/{fields.storeId}/orders/{posId}",
        "query": {"of": "{order_id}"},
        "headers": {"If-Match": "{etag}"},
        "body": {"json": {"n": "{fields.tables}"}},
    },
}
FORM = {"name": "send", "request": {"method": "POST", "path": "/form", "body": {"form": {"id": "{order_id}"}}}}
FIELDS = {"storeId": "store-9", "tables": 4}


@pytest.fixture
def pos() -> Iterator[StrictPos]:
    """A merchant's point of sale."""
    with strict_pos() as served:
        yield served


def add(lane: LocalLane, pos: StrictPos, **entry: Any) -> str:
    """A merchant at this point of sale, in the next configuration."""
    merchant = f"strict-{lane.run}"
    lane.known[merchant] = {"endpoint": pos.endpoint, "fields": FIELDS, **entry}
    lane.configure()
    return merchant


def test_the_id_that_a_merchant_gave_is_in_the_next_step(lane: LocalLane, pos: StrictPos) -> None:
    lane.limits = {"steps": [CREATE, CONFIRM]}
    merchant = add(lane, pos)
    lane.work().ready()

    ids = lane.orders(merchant, 30)

    lane.until_done(ids)
    assert sorted(order["reference"] for order in pos.orders.values()) == sorted(ids)
    assert pos.confirmed == dict.fromkeys(pos.orders, 1)
    assert pos.refused == []
    assert {tuple(lane.done[order][0]["steps"]) for order in ids} == {("create", "confirm")}


def test_a_retried_order_has_what_was_captured_also_in_another_pod(lane: LocalLane, pos: StrictPos) -> None:
    pos.unavailable = 4
    lane.limits = {"steps": [CREATE, CONFIRM], "maxAttempts": 20}
    merchant = add(lane, pos)
    lane.work().ready()
    lane.work().ready()

    ids = lane.orders(merchant, 4)

    lane.until_done(ids)
    assert len(pos.orders) == 4
    assert pos.confirmed == dict.fromkeys(pos.orders, 1)
    assert pos.refused == []
    assert sum(lane.done[order][0]["attempts"] for order in ids) > 4


def test_a_200_that_says_no_is_tried_again_or_dead_as_the_step_says(lane: LocalLane, pos: StrictPos) -> None:
    pos.busy = 2
    lane.limits = {"steps": [{**CREATE, "maxAttempts": 10}, CONFIRM], "maxAttempts": 1}
    merchant = add(lane, pos)
    lane.work().ready()
    (again,) = lane.orders(merchant, 1)
    lane.until_done([again])
    assert lane.done[again][0]["attempts"] == 3

    pos.rejects = True
    lane.limits = {"steps": [{**CREATE, "answers": {"unsuccessful": "Dead"}}, CONFIRM]}
    lane.configure()
    pod = lane.workers[0]
    until(lambda: json.loads(pod.get("/merchants")[1])["generation"] == lane.generation, "the pod to load the steps")
    (dead,) = lane.orders(merchant, 1)
    lane.until_dead([dead])
    headers = lane.dead[dead][0]["headers"]
    assert [headers[name] for name in ("mr-reason", "mr-step", "mr-answer-class")] == [
        "merchant-rejected", "create", "unsuccessful",
    ]  # fmt: skip
    assert headers["mr-answer"] == "HTTP 200: /status of the answer is not what success wants"


def test_an_order_without_what_a_step_needs_is_dead_with_the_reason_and_not_in_a_log(
    lane: LocalLane, pos: StrictPos
) -> None:
    lane.limits = {"steps": [CREATE, CONFIRM]}
    merchant = add(lane, pos)
    worker = lane.work().ready()

    lane.publish(merchant, f"{lane.run}-0", order={"id": "x", "items": [], "note": "no onions please"})

    lane.until_dead(lane.published)
    headers = lane.dead[lane.published[0]][0]["headers"]
    assert (headers["mr-reason"], headers["mr-step"], headers["mr-answer-class"]) == (
        "request-not-built",
        "create",
        "none",
    )
    assert headers["mr-answer"] == "the body needs /total of the order, which is missing"
    assert pos.orders == {}
    log = worker.log.read_text()
    assert "an order has no request" in log
    assert "no onions please" not in log


def test_one_route_serves_several_kinds_of_merchants(lane: LocalLane, pos: StrictPos) -> None:
    longer = {"name": "send", "request": {"method": "POST", "path": "/nowhere"}}
    lane.limits = {"steps": [longer], "workflows": {"strict": [CREATE, CONFIRM], "form": [FORM]}}
    strict = add(lane, pos, workflow="strict")
    form = f"form-{lane.run}"
    lane.known[form] = {"endpoint": pos.endpoint, "workflow": "form"}
    lane.configure()
    lane.work().ready()

    ids = [*lane.orders(strict, 3), *lane.orders(form, 3)]

    lane.until_done(ids)
    assert len(pos.orders) == 6
    assert pos.refused == []


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_every_pool_captures(lane: LocalLane, pos: StrictPos, pool: str) -> None:
    lane.limits = {"steps": [CREATE, CONFIRM]}
    merchant = add(lane, pos)
    lane.work(4, arguments=[f"--pool={pool}"]).ready()

    ids = lane.orders(merchant, 5)

    lane.until_done(ids)
    assert pos.confirmed == dict.fromkeys(pos.orders, 1)
    assert len(pos.orders) == 5
