"""Code of an app that holds up the hub: the pod's metrics, log and pulses say so, and where it stood."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_kit.worker.worker_process import WorkerProcess
from tests.worker.plain_app import PlainApp
from tests.worker.test_what_the_pod_shows import metrics

COUNT, LONGEST = "merchantroute_hub_blocked_total", "merchantroute_hub_blocked_longest_seconds"
STALL = 4.0
LONGER_THAN_A_BUSY_MACHINE = "1.5"  # which holds up a hub for half a second now and then
SCHEMA = Path(__file__).resolve().parents[2] / "schema" / "pulse.json"


def lines(worker: WorkerProcess) -> list[dict[str, Any]]:
    return [record for record in worker.records() if record.get("event") == "hub.blocked"]


def pulse(lane: LocalLane, part: str) -> dict[str, Any]:
    """The next pulse with this part that the pod sends."""

    def heard() -> dict[str, Any]:
        message = lane.channel.basic_get(topology.PULSES, no_ack=True)
        told: dict[str, Any] = json.loads(message.body) if message else {}
        return told if part in told else {}

    lane.channel.queue_purge(topology.PULSES)
    return until(heard, f"a pulse with {part}")


@pytest.mark.parametrize("keeps_interpreter", [False, True], ids=["gives the interpreter free", "keeps it"])
def test_a_call_in_c_that_blocks_is_counted_told_and_reported(lane: LocalLane, keeps_interpreter: bool) -> None:
    shop, merchant = PlainApp(lane), lane.merchant("bistro")
    lane.configure(merchant)
    worker = shop.work(GEVENT_MAX_BLOCKING_TIME=LONGER_THAN_A_BUSY_MACHINE).ready()
    before = metrics(worker)
    assert (before[COUNT], before[LONGEST]) == (0, 0)
    assert "blocked" not in pulse(lane, "finished")

    shop.send(merchant, "stalls", STALL, keeps_interpreter, shop.place)
    shop.until_noted("stalled")
    until(lambda: metrics(worker)[COUNT] == 1, "the pod to have counted it")

    assert STALL / 2 <= metrics(worker)[LONGEST] <= STALL * 10
    (line,) = lines(worker)
    assert "in stalls\n" in line["stack"]
    assert line["level"] == "warning"
    told = pulse(lane, "blocked")
    jsonschema.validate(told, json.loads(SCHEMA.read_text()))
    assert told["blocked"]["count"] == 1
    assert STALL / 2 <= told["blocked"]["longest"] == told["blocked"]["latest"]

    shop.send(merchant, "stalls", STALL, keeps_interpreter, shop.place)
    until(lambda: metrics(worker)[COUNT] == 2, "the second time to be counted")
    assert len(lines(worker)) == 1, "a line a minute is enough"
    lane.until_done(lane.orders(merchant, 5))


def test_a_task_that_waits_as_gevent_would_have_it_is_nobody_s_news(lane: LocalLane) -> None:
    shop, merchant = PlainApp(lane), lane.merchant("bistro")
    lane.configure(merchant)
    worker = shop.work(GEVENT_MAX_BLOCKING_TIME="1").ready()

    lane.merchants.behave(merchant, "normal", latency={"p50_ms": 1500, "p99_ms": 1500})
    lane.until_done(lane.orders(merchant, 4))

    assert metrics(worker)[COUNT] == 0
    assert lines(worker) == []
