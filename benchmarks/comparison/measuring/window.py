"""One window: orders are published, a contender is started and warmed up, measured, ended, and reckoned."""

import time
import uuid
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from threading import Event
from typing import Any

from benchmarks.comparison.contender import Binding, Contender, Site
from benchmarks.comparison.measuring import order_queue, process_tree
from benchmarks.comparison.measuring.cores import Cores, busy
from benchmarks.comparison.measuring.merchant_process import MerchantProcess
from benchmarks.comparison.measuring.program_process import ProgramProcess
from benchmarks.comparison.measuring.window_ledger import WindowLedger, reckoned
from merchantroute_kit.servers.vhosts import Vhost, fresh_vhost
from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology

_STARTING = 60.0
_GRACE = 15.0  # seconds beside a series' own time that a contender gets to end
_BACK = 10.0  # seconds in which the broker hands back what a connection held that ended


@dataclass(frozen=True)
class Lab:
    """What all measurements share: broker, merchants, cores, the contenders' interpreter, a folder."""

    amqp_url: str
    mgmt_url: str
    merchants: MerchantProcess
    cores: Cores
    python: Path
    root: Path


@dataclass(frozen=True)
class Window:
    """What was seen in one window, in seconds, MB and shares of a core. `took` are seconds of whole series."""

    seconds: float
    orders: float
    cpu: float
    pss: float
    took: tuple[float, ...]
    merchants: float
    own_core: float
    busiest_other: float
    ledger: WindowLedger


def measure(lab: Lab, contender: Contender, ms: int, *, warm: float, seconds: float, orders: int) -> Window:
    """One window, after `warm` seconds of the same load; `orders` are published before it."""
    run = uuid.uuid4().hex[:8]
    place = lab.root / f"{contender.name}-{ms}-{run}"
    place.mkdir()
    with fresh_vhost(lab.amqp_url, lab.mgmt_url, "test") as vhost:
        site = Site(place, vhost, lab.merchants.endpoint, lab.python, run)
        lab.merchants.ask("reset", latency=ms / 1000)
        binding = contender.prepare(site, contender.slots) if contender.prepare else None
        ids = [f"{run}-{number}" for number in islice(count(), orders)]
        published = order_queue.publish(vhost, contender, binding, ids) if binding else []
        running = start(lab, contender, site, binding)
        try:
            until(lambda: running.alive() and lab.merchants.ask("look")["answered"], "a first call", _STARTING)
            Event().wait(warm)
            seen = _window(lab, running, seconds)
        finally:
            clean = running.end(_GRACE + 3 * ms / 1000)
        book = lab.merchants.ask("received")
        undone = set(published).difference(order for order, receipts in book["orders"].items() if all(receipts))
        left = _left(vhost, binding, undone) if binding else []
    ledger = reckoned(published, book["orders"], left, ended=clean)
    return Window(**seen, took=tuple(book["took"]), ledger=ledger)


def start(lab: Lab, contender: Contender, site: Site, binding: Binding | None) -> ProgramProcess:
    """Start the contender on its core."""
    program = contender.program(site)
    environment = {
        "BENCH_AMQP": site.vhost.amqp_url,
        "BENCH_QUEUE": binding.queue if binding else "",
        "BENCH_ENDPOINT": site.endpoint,
        "BENCH_SLOTS": str(contender.slots),
        "BENCH_RUN": site.run,
        **program.environment,
    }
    return ProgramProcess(program.command, environment, site.root / "contender.log", lab.cores.own)


def _window(lab: Lab, running: ProgramProcess, seconds: float) -> dict[str, Any]:
    before, cores, cpu = lab.merchants.ask("window"), busy(), process_tree.cpu_seconds(running.pid)
    Event().wait(seconds)
    running.alive()
    used = process_tree.cpu_seconds(running.pid) - cpu
    after, later = lab.merchants.ask("look"), busy()
    lasted = after["now"] - before["now"]
    share = {core: (later[core] - cores[core]) / lasted for core in later}
    return {
        "seconds": lasted,
        "orders": (after["progress"] - before["progress"]) / 3,
        "cpu": used,
        "pss": process_tree.memory(running.pid),
        "merchants": (after["cpu"] - before["cpu"]) / lasted,
        "own_core": share[lab.cores.own],
        "busiest_other": max(share[core] for core in lab.cores.others),
    }


def _left(vhost: Vhost, binding: Binding, missing: set[str]) -> list[str]:
    """What the queues hold once nobody consumes. An order that is neither there nor done may still be on its way back
    from a connection that ends: it is waited for, and lost when it does not come.
    """
    with topology.connect(vhost) as connection:
        channel = connection.channel()
        until(
            lambda: not channel.queue_declare(binding.queue, passive=True).consumer_count, "consumers to be gone", 60.0
        )
    left = order_queue.take_out(vhost)
    end = time.monotonic() + _BACK
    while missing.difference(left) and time.monotonic() < end:
        Event().wait(0.2)
        left += order_queue.take_out(vhost)
    return left
