"""A pod's own port, asked over HTTP while it works: which merchants hold its slots, and metrics that stay few."""

import json
import re
from typing import Any

from merchantroute_kit.waiting import until
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_kit.worker.worker_process import WorkerProcess

MANY = 300
SERIES = re.compile(r"^(?P<series>[a-z_]+(?:\{[^}]*\})?) (?P<value>\S+)$", re.MULTILINE)


def metrics(worker: WorkerProcess) -> dict[str, float]:
    """Series -> value."""
    status, text = worker.get("/metrics")
    assert status == 200
    return {found["series"]: float(found["value"]) for found in SERIES.finditer(text)}


def shown(worker: WorkerProcess, top: int) -> Any:
    status, text = worker.get(f"/merchants?top={top}")
    assert status == 200, text
    return json.loads(text)


def test_whoever_holds_the_slots_is_shown_first_and_metrics_stay_few(lane: LocalLane) -> None:
    lane.limits = {"callTimeoutMs": 3000, "deadlineMs": 5000}
    hung, first = lane.merchant("hung", "hang"), lane.merchant("first")
    lane.configure(hung, first, concurrency=20)
    worker = lane.work().ready()
    lane.until_done(lane.orders(first, 3))
    before = metrics(worker)
    assert before['merchantroute_merchants{state="known"}'] == 1

    others = [f"shop-{number}-{lane.run}" for number in range(MANY)]
    lane.configure(*others, concurrency=20)
    until(lambda: shown(worker, 1)["generation"] == 2, "the pod to know all merchants")
    lane.until_done([order for other in others for order in lane.orders(other, 1)], 60)
    lane.orders(hung, 40)
    until(lambda: metrics(worker)['merchantroute_merchants{state="slow"}'] == 1, "one merchant to be slow")

    told = shown(worker, 250)
    for top in (1, 3, 250):
        told = shown(worker, top)
        assert len(told["merchants"]) == top
        assert told["merchants"][0]["merchant"] == hung
    assert (told["slots"], told["known"], told["configuration"]) == (20, MANY + 2, "current")
    slow = told["merchants"][0]
    assert slow["slow"]
    assert slow["cap"] >= 1
    assert slow["inFlight"] >= 0
    assert slow["successes"] == 0
    assert {entry["slow"] for entry in told["merchants"][1:]} == {False}
    assert all(entry["successes"] for entry in told["merchants"][1:])

    after = metrics(worker)
    assert after['merchantroute_merchants{state="known"}'] == MANY + 2
    assert after['merchantroute_slots{state="busy"}'] + after['merchantroute_slots{state="free"}'] == 20
    # What is new is of outcomes that had not been there, never of a merchant.
    assert len(after) < len(before) + 50
    assert not [series for series in after if lane.run in series]


def test_what_cannot_be_shown_is_refused_with_what_to_write(lane: LocalLane) -> None:
    lane.configure(lane.merchant("bistro"))
    worker = lane.work().ready()
    for top in ("0", "1001", "-1", "many", "9" * 40, "%C3%A9"):
        assert worker.get(f"/merchants?top={top}") == (400, "top must be a number from 1 to 1000\n")
    assert worker.get("/merchants?top=1000")[0] == 200
    assert worker.get("/")[0] == 404
