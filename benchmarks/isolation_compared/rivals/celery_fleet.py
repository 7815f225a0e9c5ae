"""Plain Celery with gevent: two workers of one shared queue, or a worker and a queue for each merchant."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from benchmarks.comparison.measuring import process_tree
from benchmarks.comparison.measuring.program_process import ProgramProcess
from benchmarks.isolation_compared.population import MERCHANTS, PODS, SLOTS, merchant, slots_by_weight
from benchmarks.isolation_compared.rivals.broker_orders import BrokerPublisher, client_publishes, take_out
from benchmarks.isolation_compared.rivals.rival import ATTEMPTS, CALL_TIMEOUT, CellSite, Left, Running
from benchmarks.isolation_compared.trouble import ORDER_SECONDS
from merchantroute_kit.servers.rabbitmq import USER, RabbitMQ
from merchantroute_kit.servers.vhosts import Vhost, fresh_vhost
from merchantroute_kit.waiting import until

_SHARED = "orders"
_STARTING = 180.0


class CeleryFleet:
    """Celery's workers. With `by_merchant` each merchant has a queue and a worker, otherwise all share one queue.

    With `limited` the task has the rate that its workers' slots could carry at most: Celery's limit is one for all
    merchants.
    """

    def __init__(self, broker: RabbitMQ, *, by_merchant: bool = False, limited: bool = False) -> None:
        self._broker, self._by_merchant, self._limited = broker, by_merchant, limited

    @contextmanager
    def at_work(self, site: CellSite) -> Iterator[Running]:
        """Have every worker consume."""
        with fresh_vhost(self._broker.amqp_url, self._broker.mgmt_url, USER) as vhost:
            dead = site.root / "dead"
            dead.touch()
            workers = self._workers()
            program = self._start(site, vhost, workers, dead)
            publisher = None
            try:
                until(lambda: program.alive() and _consumers(vhost) >= len(workers), "Celery's workers", _STARTING)
                publisher = BrokerPublisher(vhost, self._address)
                yield Running(
                    publisher,
                    programs=lambda: process_tree.tree(program.pid),
                    stop=lambda: _stopped(program, vhost, dead),
                    publishes=lambda: client_publishes(vhost),
                )
            finally:
                if publisher is not None:
                    publisher.close()
                if program.process.poll() is None:
                    program.end(5.0)

    def _workers(self) -> list[tuple[str, int]]:
        """Queue and slots of each."""
        if not self._by_merchant:
            return [(_SHARED, SLOTS // PODS)] * PODS
        return [(f"{_SHARED}.{merchant(rank)}", slots_by_weight()[rank]) for rank in range(MERCHANTS)]

    def _address(self, merchant_id: str) -> tuple[str, str]:
        return "orders", f"{_SHARED}.{merchant_id}" if self._by_merchant else _SHARED

    def _start(self, site: CellSite, vhost: Vhost, workers: list[tuple[str, int]], dead: Path) -> ProgramProcess:
        rate = f"{SLOTS / PODS / ORDER_SECONDS:.1f}/s" if self._limited else ""
        module = "benchmarks.isolation_compared.rivals.celery_workers"
        return ProgramProcess(
            [sys.executable, "-m", module, *(f"{queue}={slots}" for queue, slots in workers)],
            {
                "BENCH_AMQP": vhost.amqp_url,
                "BENCH_QUEUES": ",".join(dict.fromkeys(queue for queue, _ in workers)),
                "BENCH_ENDPOINT": site.merchants.url,
                "BENCH_SLOTS": str(SLOTS),
                "BENCH_TIMEOUT": str(CALL_TIMEOUT),
                "BENCH_ATTEMPTS": str(ATTEMPTS),
                "BENCH_RATE": rate,
                "BENCH_DEAD": str(dead),
                "GEVENT_RESOLVER": os.environ.get("GEVENT_RESOLVER", "thread"),
            },
            site.root / "celery.log",
            None,
        )


def _consumers(vhost: Vhost) -> int:
    queues = vhost.api("GET", f"queues/{quote(vhost.name, safe='')}")
    return sum(each.get("consumers") or 0 for each in queues if each["name"].startswith(_SHARED))


def _stopped(program: ProgramProcess, vhost: Vhost, dead: Path) -> Left:
    program.end(5.0)
    until(lambda: not _held(vhost), "the broker to have everything back", 60)
    queued = take_out(vhost, lambda name: name.startswith((_SHARED, "celery_delayed")))
    return Left(frozenset(dead.read_text().split()), queued)


def _held(vhost: Vhost) -> int:
    queues = vhost.api("GET", f"queues/{quote(vhost.name, safe='')}")
    return sum((each.get("consumers") or 0) + (each.get("messages_unacknowledged") or 0) for each in queues)
