"""`python -m benchmarks.bulkhead`: what 10,000 orders of a hung merchant cost a pod and its other merchants.

A real worker on a real broker: first its neighbours alone, at a steady rate with 50 ms a call, then with the backlog.
The rungs are the sample's. Four phases: the neighbours alone; while the backlog arrives all at once, and the hung
merchant's own queue is opened, as the operator does within seconds; while the backlog waits there; and the neighbours
alone once more, with the backlog taken out of the broker: what they cost by themselves changes with the machine, so
both ends count.
ORDERS, BASELINE and BACKLOG (seconds) change it, and ISOLATED (seconds until the own queue is opened, 0 for never).
MR_TEST_AMQP and MR_TEST_MGMT name a broker that is there already.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import quantiles
from threading import Event, Thread
from typing import Any
from urllib.parse import quote, urlsplit

import click

from merchantroute_kit.servers.merchant_sim import MerchantSim
from merchantroute_kit.servers.rabbitmq import own_broker
from merchantroute_kit.servers.vhosts import Vhost, fresh_vhost
from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology
from merchantroute_kit.worker.local_lane import LocalLane
from merchantroute_kit.worker.worker_process import WorkerProcess

BUILD = Path(__file__).resolve().parents[1] / "build"
RUNGS = (1_000, 15_000, 120_000)
ENOUGH = 100  # refusals, to say what one costs
NEIGHBOURS, PER_SECOND, SLOTS = 5, 30, 100


def main() -> None:
    """The program."""
    orders = int(os.environ.get("ORDERS", "10000"))
    baseline, backlog = float(os.environ.get("BASELINE", "60")), float(os.environ.get("BACKLOG", "180"))
    with ExitStack() as stack:
        amqp_url, mgmt_url = os.environ.get("MR_TEST_AMQP"), os.environ.get("MR_TEST_MGMT")
        if not (amqp_url and mgmt_url):
            broker = stack.enter_context(own_broker())
            amqp_url, mgmt_url = broker.amqp_url, broker.mgmt_url
        vhost = stack.enter_context(fresh_vhost(amqp_url, mgmt_url, urlsplit(amqp_url).username or ""))
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        merchants = MerchantSim(root / "merchant-sim.log")
        stack.callback(merchants.close)
        topology.declare(vhost, RUNGS)
        lane, backlogged = LocalLane(root, vhost, merchants), LocalLane(root, vhost, merchants)
        stack.callback(lane.close)
        stack.callback(backlogged.close)
        result = _measure(lane, backlogged, orders=orders, baseline=baseline, backlog=backlog)
    BUILD.mkdir(exist_ok=True)
    (BUILD / "bench-bulkhead.json").write_text(json.dumps(result, indent=2) + "\n")
    click.echo(json.dumps(result, indent=2))


def _measure(lane: LocalLane, backlogged: LocalLane, *, orders: int, baseline: float, backlog: float) -> dict[str, Any]:
    latency = {"p50_ms": 50, "p99_ms": 50}
    neighbours = [lane.merchant(f"neighbour-{number}", latency=latency) for number in range(NEIGHBOURS)]
    hung = lane.merchant("hung", "hang")
    lane.limits = {"callTimeoutMs": 10_000, "deadlineMs": 30_000, "delaysMs": list(RUNGS)}
    lane.configure(*neighbours, hung, concurrency=SLOTS)
    worker = lane.work(concurrency=None).ready()
    _feed(lane, neighbours, 5.0)
    alone = _phase(lane, worker, neighbours, baseline)
    arriving = _phase(lane, worker, neighbours, baseline, flood=lambda: _flood(lane, worker, backlogged, hung, orders))
    waiting = _phase(lane, worker, neighbours, backlog)
    _take_out(lane.vhost)
    again = _phase(lane, worker, neighbours, baseline)
    phases = {"alone": alone, "while the backlog arrives": arriving, "while it waits": waiting, "again": again}
    without = (alone["share"] + again["share"]) / 2
    lane.until_done([order for phase in phases.values() for order in phase["orders"]], 120)
    p99 = {name: _p99(lane, phase["orders"]) for name, phase in phases.items()}
    each = {name: (phase["share"] - without) * phase["seconds"] / max(1, phase["refused"])
            for name, phase in phases.items()}  # fmt: skip
    return {
        "orders of the hung merchant": orders,
        "rungs, seconds": [rung / 1000 for rung in RUNGS],
        "neighbours' orders per second": PER_SECOND,
        "slots of the hung merchant at the end": waiting["hung"],
        "p99 from the arrival to the end, against alone": round(
            _p99(lane, [*arriving["orders"], *waiting["orders"]]) / p99["alone"], 3
        ),
        "phases": {
            name: {
                "seconds": round(phase["seconds"], 1),
                "neighbours' orders": len(phase["orders"]),
                "refusals": phase["refused"],
                "refusals per second": round(phase["refused"] / phase["seconds"], 1),
                "core share": round(phase["share"], 4),
                "core share of the refusals": round(phase["share"] - without, 4),
                "CPU ms per refusal": round(each[name] * 1000, 3) if phase["refused"] >= ENOUGH else None,
                "neighbours' p99, ms": round(p99[name] * 1000, 1),
                "p99 against alone": round(p99[name] / p99["alone"], 3),
            }
            for name, phase in phases.items()
        },
    }


def _phase(
    lane: LocalLane,
    worker: WorkerProcess,
    neighbours: list[str],
    seconds: float,
    flood: Callable[[], Any] | None = None,
) -> dict[str, Any]:
    refused, cpu, began = _refused(worker), _cpu(worker.process.pid), time.monotonic()
    flooding = Thread(target=flood) if flood else None
    if flooding:
        flooding.start()
    orders = _feed(lane, neighbours, seconds)
    if flooding:
        flooding.join()
    took = time.monotonic() - began
    share = (_cpu(worker.process.pid) - cpu) / took
    shown = json.loads(worker.get("/merchants")[1])["merchants"]
    hung = sum(entry["inFlight"] for entry in shown if entry["merchant"].startswith("hung"))
    return {
        "orders": orders,
        "seconds": took,
        "share": share,
        "refused": _refused(worker) - refused,
        "hung": hung,
    }


def _flood(lane: LocalLane, worker: WorkerProcess, backlogged: LocalLane, hung: str, orders: int) -> None:
    opening = Thread(target=_open_own_queue, args=(lane, worker, hung))
    opening.start()
    backlogged.orders(hung, orders)
    opening.join()


def _open_own_queue(lane: LocalLane, worker: WorkerProcess, merchant: str) -> None:
    """As the operator does it: declared, told to the pod, consumed, bound, and that told."""
    seconds = float(os.environ.get("ISOLATED", "3"))
    if not seconds:
        return
    Event().wait(seconds)
    with topology.connect(lane.vhost) as connection:
        channel = connection.channel()
        topology.declare_own_queue(channel, merchant)
        lane.own(merchant, 1)
        until(lambda: "merchantroute_own_queues 1.0" in worker.get("/metrics")[1], "the own queue to be consumed")
        topology.bind_own_queue(channel, merchant)
    lane.own(merchant, 1, bound=True)


def _take_out(vhost: Vhost) -> None:
    """Empty the ladder and the own queue. The broker answers once a queue is empty."""
    where = quote(vhost.name, safe="")
    for queue in vhost.api("GET", f"queues/{where}"):
        if ".retry." in queue["name"] or ".own." in queue["name"]:
            vhost.api("DELETE", f"queues/{where}/{quote(queue['name'], safe='')}/contents")


def _feed(lane: LocalLane, neighbours: list[str], seconds: float) -> list[str]:
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


def _p99(lane: LocalLane, orders: list[str]) -> float:
    """Seconds from publishing to done."""
    return quantiles([lane.done[order][0]["seconds"] for order in orders], n=100)[98]


def _refused(worker: WorkerProcess) -> int:
    lines = worker.get("/metrics")[1].splitlines()
    return sum(round(float(line.split()[-1])) for line in lines if line.startswith("merchantroute_refused_total"))


def _cpu(pid: int) -> float:
    """User and system seconds of the process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
