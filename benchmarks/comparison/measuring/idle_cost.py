"""The cost of an idle pod of 500 slots: memory, and how much of a core."""

import uuid
from dataclasses import dataclass
from threading import Event

from benchmarks.comparison.catalogue import BY_NAME
from benchmarks.comparison.contender import Site
from benchmarks.comparison.measuring import process_tree
from benchmarks.comparison.measuring.window import Lab, start
from merchantroute_kit.servers.vhosts import fresh_vhost
from merchantroute_kit.waiting import until
from merchantroute_kit.worker import topology

_CALM = 5.0  # seconds after the start that are not measured


@dataclass(frozen=True)
class Idle:
    """MB (PSS) and percent of one core, over so many seconds."""

    pss: float
    percent: float
    seconds: float


def measure(lab: Lab, seconds: float) -> Idle:
    """Start it on an empty queue, and watch it."""
    contender = BY_NAME["worker-gevent-500"]
    place = lab.root / "idle"
    place.mkdir()
    with fresh_vhost(lab.amqp_url, lab.mgmt_url, "test") as vhost:
        site = Site(place, vhost, lab.merchants.endpoint, lab.python, uuid.uuid4().hex[:8])
        assert contender.prepare is not None, "the worker consumes a route"  # noqa: S101
        binding = contender.prepare(site, contender.slots)
        running = start(lab, contender, site, binding)
        try:
            with topology.connect(vhost) as connection:
                channel = connection.channel()
                until(
                    lambda: running.alive() and channel.queue_declare(binding.queue, passive=True).consumer_count,
                    "the idle pod to consume",
                )
            Event().wait(_CALM)
            before = process_tree.cpu_seconds(running.pid)
            Event().wait(seconds)
            used = process_tree.cpu_seconds(running.pid) - before
            return Idle(process_tree.memory(running.pid), 100 * used / seconds, seconds)
        finally:
            running.end(15.0)
