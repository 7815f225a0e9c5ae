"""`python -m benchmarks.bulkhead`: what 10,000 orders of a hung merchant cost a pod and its other merchants.

A real worker on a real broker: first its neighbours alone, at a steady rate with 50 ms a call, then with the backlog.
The rungs are 1, 5 and 15 s so that the backlog returns several times within the run; what it costs on the sample's
rungs (the last is 120 s) follows from the CPU time of one refusal. ORDERS, BASELINE and BACKLOG (seconds) change it.
MR_TEST_AMQP and MR_TEST_MGMT name a broker that is there already.
"""

import json
import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import quantiles
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

import click

from benchmarks.chaos_worker.own_broker import own_broker
from tests.harness.vhosts import fresh_vhost
from tests.worker import topology
from tests.worker.lane import Lane
from tests.worker.merchant_sim import Merchants
from tests.worker.running import WorkerProcess

BUILD = Path(__file__).resolve().parents[1] / "build"
RUNGS = (1_000, 5_000, 15_000)
LAST_RUNG_OF_THE_SAMPLE = 120.0
NEIGHBOURS, PER_SECOND, SLOTS = 5, 30, 100


def main() -> None:
    """The program."""
    orders = int(os.environ.get("ORDERS", "10000"))
    baseline, backlog = (float(os.environ.get(name, "40")) for name in ("BASELINE", "BACKLOG"))
    with ExitStack() as stack:
        amqp_url, mgmt_url = os.environ.get("MR_TEST_AMQP"), os.environ.get("MR_TEST_MGMT")
        if not (amqp_url and mgmt_url):
            broker = stack.enter_context(own_broker())
            amqp_url, mgmt_url = broker.amqp_url, broker.mgmt_url
        vhost = stack.enter_context(fresh_vhost(amqp_url, mgmt_url, urlsplit(amqp_url).username or ""))
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        merchants = Merchants(root / "merchant-sim.log")
        stack.callback(merchants.close)
        topology.declare(vhost, RUNGS)
        lane, backlogged = Lane(root, vhost, merchants), Lane(root, vhost, merchants)
        stack.callback(lane.close)
        stack.callback(backlogged.close)
        result = _measure(lane, backlogged, orders=orders, baseline=baseline, backlog=backlog)
    BUILD.mkdir(exist_ok=True)
    (BUILD / "bench-bulkhead.json").write_text(json.dumps(result, indent=2) + "\n")
    for name, value in result.items():
        click.echo(f"{name:34} {value}")


def _measure(lane: Lane, backlogged: Lane, *, orders: int, baseline: float, backlog: float) -> dict[str, Any]:
    latency = {"p50_ms": 50, "p99_ms": 50}
    neighbours = [lane.merchant(f"neighbour-{number}", latency=latency) for number in range(NEIGHBOURS)]
    hung = lane.merchant("hung", "hang")
    lane.limits = {"callTimeoutMs": 10_000, "deadlineMs": 30_000, "delaysMs": list(RUNGS)}
    lane.configure(*neighbours, hung, concurrency=SLOTS)
    worker = lane.work(concurrency=None).ready()
    _feed(lane, neighbours, 5.0)
    alone = _phase(lane, worker, neighbours, baseline)
    flood = Thread(target=backlogged.orders, args=(hung, orders))
    flood.start()
    beside = _phase(lane, worker, neighbours, backlog)
    flood.join()
    lane.until_done([order for phase in (alone, beside) for order in phase["orders"]], 60)
    refusals = beside["refused"] - alone["refused"]
    each = (beside["share"] - alone["share"]) * beside["seconds"] / max(1, refusals)
    before, after = (_p99(lane, phase["orders"]) for phase in (alone, beside))
    return {
        "orders of the hung merchant": orders,
        "rungs, seconds": [rung / 1000 for rung in RUNGS],
        "refusals": refusals,
        "CPU ms per refusal": round(each * 1000, 3),
        "core share, neighbours alone": round(alone["share"], 4),
        "core share, with the backlog": round(beside["share"], 4),
        "core share of it, last rung 120 s": round(orders / LAST_RUNG_OF_THE_SAMPLE * each, 4),
        "neighbours' orders per second": PER_SECOND,
        "neighbours' p99 alone, ms": round(before * 1000, 1),
        "neighbours' p99 beside it, ms": round(after * 1000, 1),
        "ratio of the two": round(after / before, 3),
        "slots of the hung merchant at the end": beside["hung"],
    }


def _phase(lane: Lane, worker: WorkerProcess, neighbours: list[str], seconds: float) -> dict[str, Any]:
    cpu, began = _cpu(worker.process.pid), time.monotonic()
    orders = _feed(lane, neighbours, seconds)
    took = time.monotonic() - began
    share = (_cpu(worker.process.pid) - cpu) / took
    shown = json.loads(worker.get("/merchants")[1])["merchants"]
    hung = sum(entry["inFlight"] for entry in shown if entry["merchant"].startswith("hung"))
    return {"orders": orders, "seconds": took, "share": share, "refused": _refused(worker), "hung": hung}


def _feed(lane: Lane, neighbours: list[str], seconds: float) -> list[str]:
    """Publish at the steady rate; gives the orders' ids."""
    pause, first, end = Event(), len(lane.published), time.monotonic() + seconds
    due = time.monotonic()
    while due < end:
        pause.wait(max(0.0, due - time.monotonic()))
        number = len(lane.published)
        published_at = {"mr-published-at": round(time.time() * 1000)}
        lane.publish(neighbours[number % len(neighbours)], f"{lane.run}-{number}", headers=published_at)
        due += 1 / PER_SECOND
    return lane.published[first:]


def _p99(lane: Lane, orders: list[str]) -> float:
    """Seconds from publishing to done."""
    return quantiles([lane.done[order][0]["seconds"] for order in orders], n=100)[98]


def _refused(worker: WorkerProcess) -> int:
    lines = worker.get("/metrics")[1].splitlines()
    return sum(
        round(float(line.split()[-1])) for line in lines if line.startswith('merchantroute_ladder_total{reason="slow"')
    )


def _cpu(pid: int) -> float:
    """User and system seconds of the process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
