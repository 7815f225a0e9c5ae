"""DBOS on PostgreSQL: two workers of one queue that is parted by merchant, each part with a limit."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import psycopg

from benchmarks.comparison.measuring.program_process import ROOT, ProgramProcess
from benchmarks.isolation_compared.population import PODS, SLOTS
from benchmarks.isolation_compared.rivals.rival import ATTEMPTS, CALL_TIMEOUT, CellSite, Left, Running
from merchantroute_kit.servers.postgresql import new_database
from merchantroute_kit.waiting import until

EACH = SLOTS // 4
"""The most orders of one merchant at a time: as much as the largest needs at 90 % load, and a little more."""
_PROGRAMS = "benchmarks.isolation_compared.rivals"
_STARTING = 60.0
READY = "ready"


class DbosFleet:
    """DBOS's workers, with a database of their own for each cell."""

    def __init__(self, database: str, python: Path) -> None:
        self._database, self._python = database, python

    @contextmanager
    def at_work(self, site: CellSite) -> Iterator[Running]:
        """Have every worker listen."""
        database = new_database(self._database)
        workers = [self._worker(site, database, number) for number in range(PODS)]
        publisher = None
        try:
            for worker in workers:
                until(lambda worker=worker: _is_ready(worker), "DBOS's workers", _STARTING)  # type: ignore[misc]
            publisher = DbosPublisher(self._python, database, site.root / "enqueue.log")
            yield Running(
                publisher,
                programs=lambda: [worker.pid for worker in workers],
                stop=lambda: _stopped(workers, database),
            )
        finally:
            if publisher is not None:
                publisher.close()
            for worker in workers:
                if worker.process.poll() is None:
                    worker.end(3.0)

    def _worker(self, site: CellSite, database: str, number: int) -> ProgramProcess:
        environment = {
            "BENCH_DATABASE": database,
            "BENCH_EXECUTOR": f"worker-{number}",
            "BENCH_ENDPOINT": site.merchants.url,
            "BENCH_SLOTS": str(SLOTS // PODS),
            "BENCH_EACH": str(EACH),
            "BENCH_TIMEOUT": str(CALL_TIMEOUT),
            "BENCH_ATTEMPTS": str(ATTEMPTS),
        }
        command = [str(self._python), "-m", f"{_PROGRAMS}.dbos_worker"]
        return ProgramProcess(command, environment, site.root / f"dbos-{number}.log", None)


class DbosPublisher:
    """Hands orders to a process of the contenders' environment, which enqueues them."""

    def __init__(self, python: Path, database: str, log: Path) -> None:
        self._confirmed: set[str] = set()
        self._handed = 0
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [str(python), "-m", f"{_PROGRAMS}.dbos_enqueue"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=out,
                text=True,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), "BENCH_DATABASE": database},
            )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        until(lambda: READY in self._confirmed, "the process that enqueues", _STARTING)
        self._confirmed.discard(READY)

    @property
    def confirmed(self) -> set[str]:
        """Orders whose transaction was committed."""
        return set(self._confirmed)

    def publish(self, order: str, merchant: str) -> None:
        """Hand one over."""
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.write(f"{order} {merchant}\n")
        self._process.stdin.flush()
        self._handed += 1

    def settle(self, seconds: float) -> None:
        """Wait for what is under way; a short time is spent by whoever waits anyway."""
        if seconds > 1:
            until(lambda: len(self._confirmed) >= self._handed, "DBOS to have committed every order", seconds)

    def close(self) -> None:
        """Leave no process behind."""
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101
        for line in self._process.stdout:
            self._confirmed.add(line.strip())


def _is_ready(worker: ProgramProcess) -> bool:
    return worker.alive() and READY in worker.log.read_text().split()


def _stopped(workers: list[ProgramProcess], database: str) -> Left:
    for worker in workers:
        worker.end(3.0)
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT workflow_uuid, status FROM dbos.workflow_status").fetchall()
    status = {str(order): str(what) for order, what in rows}
    waits = ("ENQUEUED", "PENDING", "DELAYED")
    return Left(
        dead=frozenset(order for order, what in status.items() if what not in (*waits, "SUCCESS")),
        queued=frozenset(order for order, what in status.items() if what in waits),
    )
