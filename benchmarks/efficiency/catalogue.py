"""The contenders, in the order of the table. Their programs are in `contenders/`, a file each."""

import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.efficiency import doors, messages
from benchmarks.efficiency.contender import Contender, Program, Site
from tests.worker.running import environment_of, free_port

ROOT = Path(__file__).resolve().parents[2]
FAST, ALL_MERCHANTS = (5, 50, 500), (5, 50, 500, 2000)
OURS, POST, PEER, LIMIT = "ours", "post", "peer", "limit"
REFERENCE = "worker-gevent-200"
_PROGRAMS = "benchmarks.efficiency.contenders"


def _worker(pool: str, slots: int, rate: float) -> Contender:
    def program(site: Site) -> Program:
        command = [sys.executable, "-m", "merchantroute_worker", "--pool", pool, "--concurrency", str(slots)]
        given = {"PYTHONPATH": str(ROOT / "worker"), "MR_PORT": str(free_port()), "MR_COMPLETIONS": ""}
        return Program(command, {**environment_of(site.root, "pod"), **given})

    return Contender(
        name=f"worker-{pool}-{slots}",
        title=f"this worker, {pool} {slots}",
        kind=OURS,
        slots=slots,
        merchants=ALL_MERCHANTS,
        rate=rate,
        program=program,
        prepare=doors.route,
        wrap=messages.celery,
    )


def _python(name: str) -> Callable[[Site], Program]:
    return lambda site: Program([str(site.python), "-m", f"{_PROGRAMS}.{name}"])


WORKERS = (
    _worker("gevent", 200, 5000),
    _worker("gevent", 500, 5000),
    _worker("threads", 200, 3000),
    _worker("prefork", 4, 3000),
)
HANDWRITTEN = Contender(
    name="handwritten",
    title="aio-pika + aiohttp + uvloop, by hand",
    kind=PEER,
    slots=200,
    merchants=FAST,
    rate=4500,
    program=_python("handwritten"),
    prepare=doors.queue,
    wrap=messages.celery,
)
BARE = Contender(
    name="bare-loop",
    title="bare gevent loop, no broker",
    kind=LIMIT,
    slots=200,
    merchants=FAST,
    rate=9000,
    program=_python("bare_loop"),
    prepare=None,
    wrap=None,
)
ALL = (*WORKERS, HANDWRITTEN, BARE)
BY_NAME = {contender.name: contender for contender in ALL}
