"""The contenders, in the order of the table. Their programs are in `contenders/`, a file each."""

import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.comparison import messages, topologies
from benchmarks.comparison.contender import Binding, Contender, Message, Program, Site
from merchantroute_kit.servers.ports import free_port
from merchantroute_kit.worker.worker_process import environment_of

ROOT = Path(__file__).resolve().parents[2]
FAST, ALL_MERCHANTS = (5, 50, 500), (5, 50, 500, 2000)
OURS, POST, PEER, LIMIT = "ours", "post", "peer", "limit"
REFERENCE = "worker-gevent-200"
_PROGRAMS = "benchmarks.comparison.contenders"


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
        prepare=topologies.route,
        wrap=messages.celery,
    )


def _python(name: str) -> Callable[[Site], Program]:
    return lambda site: Program([str(site.python), "-m", f"{_PROGRAMS}.{name}"])


def _program(name: str, *arguments: str, **environment: str) -> Callable[[Site], Program]:
    return lambda site: Program([str(site.python.parent / name), *arguments], environment)


def _celery(module: str, *arguments: str) -> Callable[[Site], Program]:
    command = [sys.executable, "-m", "celery", "-A", f"{_PROGRAMS}.post.{module}", "worker", *arguments]
    return lambda _: Program(command)


def _post(name: str, title: str, slots: int, rate: float, program: Callable[[Site], Program]) -> Contender:
    return Contender(
        name=name,
        title=title,
        kind=POST,
        slots=slots,
        merchants=ALL_MERCHANTS,
        rate=rate,
        program=program,
        prepare=topologies.queue,
        wrap=messages.celery,
    )


def _peer(
    name: str,
    title: str,
    program: Callable[[Site], Program],
    prepare: Callable[[Site, int], Binding],
    wrap: Callable[[str, str], Message],
    rate: float = 1600,
) -> Contender:
    return Contender(
        name=name,
        title=title,
        kind=PEER,
        slots=200,
        merchants=FAST,
        rate=rate,
        program=program,
        prepare=prepare,
        wrap=wrap,
    )


WORKERS = (
    _worker("gevent", 200, 1600),
    _worker("gevent", 500, 1600),
    _worker("threads", 200, 800),
    _worker("prefork", 4, 800),
)
POSTS = (
    _post(
        "post-prefork-4",
        "Celery, the post's legacy pod: prefork 4, requests",
        4,
        500,
        _celery("celery", "--concurrency=4", "--loglevel=info"),
    ),
    _post(
        "post-gevent-200",
        "Celery, the post's new pod: gevent 200, requests",
        200,
        20,  # Celery 5.7 under these flags waits up to a tenth of a second for each frame.
        _celery("gcelery", "--concurrency=200", "--pool", "gevent", "--loglevel=info", "--without-mingle"),
    ),
)
PEERS = (
    _peer(
        "celery-gevent-200",
        "Celery, gevent 200 without gossip and heartbeat, requests",
        _celery(
            "gcelery",
            *("--concurrency=200", "--pool", "gevent", "--loglevel=info"),
            *("--without-mingle", "--without-gossip", "--without-heartbeat"),
        ),
        topologies.queue,
        messages.celery,
        rate=800,
    ),
    _peer(
        "dramatiq-gevent",
        "Dramatiq with gevent, geventhttpclient",
        _program(
            "dramatiq-gevent",
            f"{_PROGRAMS}.dramatiq_gevent",
            "--processes",
            "1",
            "--threads",
            "200",
            dramatiq_queue_prefetch="200",
        ),
        topologies.dramatiq_queue,
        messages.dramatiq,
    ),
    _peer(
        "taskiq",
        "Taskiq with aio-pika, aiohttp, uvloop",
        _program(
            "taskiq",
            "worker",
            f"{_PROGRAMS}.taskiq_aio_pika:broker",
            "--workers",
            "1",
            "--max-async-tasks",
            "200",
            "--ack-type",
            "when_executed",
            "--no-parse",
            "--log-level",
            "WARNING",
        ),
        topologies.queue,
        messages.taskiq,
    ),
    _peer("faststream", "FastStream, aiohttp, uvloop", _python("faststream_rabbit"), topologies.queue, messages.celery),
    _peer(
        "handwritten",
        "aio-pika + aiohttp + uvloop, by hand",
        _python("handwritten"),
        topologies.queue,
        messages.celery,
    ),
)
BARE = Contender(
    name="bare-loop",
    title="bare gevent loop, no broker",
    kind=LIMIT,
    slots=200,
    merchants=FAST,
    rate=1600,
    program=_python("bare_loop"),
    prepare=None,
    wrap=None,
)
ALL = (*WORKERS, *POSTS, *PEERS, BARE)
BY_NAME = {contender.name: contender for contender in ALL}
