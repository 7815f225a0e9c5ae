"""The command line. It is parsed before gevent patches, so this module imports nothing that must be patched."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

POOLS = ("gevent", "threads", "prefork")


class CannotStart(Exception):
    """The pod can never work as it was started; the text is its last log line."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The parsed command line. `concurrency` None means: as many slots as the tier's configuration says."""

    app: str
    pool: str
    concurrency: int | None
    loglevel: str

    @property
    def green(self) -> bool:
        """Whether gevent is to patch the process."""
        return self.pool == "gevent"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise one line instead of printing argparse's usage: the route's status shows it."""
        raise CannotStart(message)


def parse_options(argv: Sequence[str] | None = None) -> Options:
    """Parse the command line; CannotStart says which argument is wrong and what is allowed."""
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
