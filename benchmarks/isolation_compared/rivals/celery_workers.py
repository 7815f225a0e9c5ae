"""Celery's own workers, forked from one process that has patched and imported: one for each `queue=slots` given.

`python -m benchmarks.isolation_compared.rivals.celery_workers orders=40 orders=40`. It ends when they have.
"""

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402 - after patching
import signal  # noqa: E402
import sys  # noqa: E402

from benchmarks.isolation_compared.rivals.celery_program import app, queue  # noqa: E402

FLAGS = ("--without-mingle", "--without-gossip", "--without-heartbeat", "--loglevel=warning")


def main() -> None:
    """The program."""
    children = [_forked(number, *each.rsplit("=", 1)) for number, each in enumerate(sys.argv[1:])]

    def end(*_: object) -> None:
        for child in children:
            os.kill(child, signal.SIGKILL)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    for child in children:
        os.waitpid(child, 0)


def _forked(number: int, name: str, slots: str) -> int:
    child = os.fork()
    if child:
        return child
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    app.conf.task_queues = (queue(name),)
    app.conf.task_default_queue = name
    arguments = ["worker", f"--hostname=w{number}@here", "--pool=gevent", f"--concurrency={slots}", f"--queues={name}"]
    app.worker_main([*arguments, *FLAGS])
    os._exit(0)


if __name__ == "__main__":
    main()
