"""The command line. It is read before anything is patched, so it imports nothing that patching would have to reach."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

POOLS = ("gevent", "threads", "prefork")


class CannotStart(Exception):
    """The pod can never work as it was started; the text is its last line."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """`concurrency` None means: as many orders at a time as the tier's configuration says."""

    app: str
    pool: str
    concurrency: int | None
    loglevel: str

    @property
    def green(self) -> bool:
        """Whether the process is to be patched."""
        return self.pool == "gevent"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line instead of argparse's usage: the route's status shows it."""
        raise CannotStart(message)


def parse_options(argv: Sequence[str] | None = None) -> Options:
    """Read the command line; CannotStart says which argument is wrong and what it may be."""
    parser = _Parser(prog="merchantroute-worker", description="Runs a Celery app on a lane's queue.")
    parser.add_argument("--app", "-A", default="merchantroute_worker.app", help="module or module:attribute")
    parser.add_argument("--pool", "-P", default="gevent", help=", ".join(POOLS))
    parser.add_argument("--concurrency", "-c", type=int, help="orders at a time, instead of the tier's number")
    parser.add_argument("--loglevel", "-l", default="info")
    parsed = parser.parse_args(argv)
    if parsed.pool not in POOLS:
        raise CannotStart(f"there is no pool {parsed.pool!r}: write one of {', '.join(POOLS)}")
    if parsed.concurrency is not None and parsed.concurrency < 1:
        raise CannotStart(f"--concurrency must be at least 1, not {parsed.concurrency}")
    return Options(app=parsed.app, pool=parsed.pool, concurrency=parsed.concurrency, loglevel=parsed.loglevel)
