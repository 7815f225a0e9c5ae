"""An app that uses what Celery has: limits, hooks, results, chords, signals, logging of its own."""

import logging.config
import os
from typing import Any

from celery import Celery, Task, chord, group
from celery.exceptions import SoftTimeLimitExceeded
from celery.signals import after_setup_logger, after_setup_task_logger, task_failure, worker_process_init

from shop.celery import note

PLACE = os.environ["NOTES"]
app = Celery("features", broker="amqp://nobody@nowhere//", backend=os.environ.get("RESULTS", "rpc://"))
app.conf.accept_content = ["json", "pickle"]

# As Django does with `LOGGING`, whose default is to disable every logger that exists.
logging.config.dictConfig({"version": 1, "loggers": {"shop": {"level": "INFO"}}})


@after_setup_logger.connect
def set_up(logger: logging.Logger, **_: Any) -> None:
    note(PLACE, f"after_setup_logger {logger.name}")


@after_setup_task_logger.connect
def set_up_for_tasks(logger: logging.Logger, **_: Any) -> None:
    note(PLACE, f"after_setup_task_logger {logger.name}")


@worker_process_init.connect
def child_started(**_: Any) -> None:
    note(PLACE, "worker_process_init")


@task_failure.connect
def failed(task_id: str, exception: BaseException, **_: Any) -> None:
    note(PLACE, f"task_failure {type(exception).__name__} {task_id}")


class Noting(Task):
    """A base class with a failure hook."""

    def on_failure(self, exc: Any, task_id: str, *_: Any) -> None:
        """Called by Celery."""
        note(PLACE, f"on_failure {type(exc).__name__} {task_id}")


@app.task(name="features.add")
def add(one: int, other: int) -> int:
    return one + other


@app.task(name="features.total")
def total(numbers: list[int]) -> int:
    note(PLACE, f"total {sum(numbers)}")
    return sum(numbers)


@app.task(name="features.note")
def noting(text: str) -> None:
    note(PLACE, text)


@app.task(name="features.note_error")
def note_error(request: Any, exc: Any, _trace: Any) -> None:
    note(PLACE, f"link_error {type(exc).__name__} {request.id}")


@app.task(name="features.raises", base=Noting)
def raises() -> None:
    raise ValueError("no")


@app.task(name="features.hangs", base=Noting, time_limit=1)
def hangs() -> None:
    import time

    time.sleep(60)  # noqa: TID251 - what a task does that hangs


@app.task(name="features.softly", soft_time_limit=1)
def softly() -> None:
    import time

    try:
        time.sleep(60)  # noqa: TID251 - what a task does that takes too long
    except SoftTimeLimitExceeded:
        note(PLACE, "soft limit")


@app.task(name="features.both")
def both() -> None:
    """A group, whose members' results nobody reads."""
    group(noting.s("grouped 1"), noting.s("grouped 2")).apply_async()


@app.task(name="features.sums")
def sums() -> None:
    chord((add.s(1, 2), add.s(3, 4)), total.s()).apply_async()


@app.task(name="features.reads")
def reads() -> None:
    """Wait for another task's result: in a greenlet Celery allows it."""
    note(PLACE, f"read {add.delay(19, 23).get(timeout=30)}")
