"""Arguments and results of an app's tasks never reach the log: Celery's own lines, as Celery itself logs them."""

import json
import logging
from typing import Any

import pytest
from celery import Celery
from celery.app.trace import build_tracer
from celery.concurrency.solo import TaskPool

from merchantroute_worker.telemetry import logs
from tests.unit.worker.telemetry.test_log_lines import ours

CARD, NAME, RESULT = "4111111111111111", "Jane Doe", "receipt 99 of Jane"


@pytest.fixture
def tracer() -> Any:
    """Celery's own tracer around a task that takes and returns what is nobody's business."""
    app = Celery("shop", set_as_current=False, broker="memory://")

    @app.task(name="shop.charge", shared=False)
    def charge(*_: Any, fails: bool = False, **__: Any) -> str:
        if fails:
            raise ValueError("no such order")
        return RESULT

    return build_tracer("shop.charge", charge, app=app)


def run(tracer: Any, **kwargs: Any) -> None:
    request = {"id": "t-1", "argsrepr": f"[{NAME!r}]", "kwargsrepr": f"{{'card': {CARD!r}}}", "is_eager": False}
    tracer("t-1", [NAME], {"card": CARD, **kwargs}, request)


@pytest.mark.parametrize(("fails", "message"), [(False, "succeeded"), (True, "raised unexpected")])
def test_a_task_s_lines_say_how_it_ended_and_not_what_was_in_it(
    tracer: Any, fails: bool, message: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    logs.hide_task_contents()
    with ours():
        run(tracer, fails=fails)

    lines = [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    (line,) = [each for each in lines if message in each["message"]]
    assert "shop.charge[t-1]" in line["message"]
    assert set(line) <= {"time", "level", "logger", "message", "trace"}
    for secret in (CARD, NAME, RESULT):
        assert secret not in json.dumps(line)


def test_a_pool_s_line_names_the_target_only(caplog: pytest.LogCaptureFixture) -> None:
    logs.hide_task_contents()
    pool = TaskPool(1)
    with caplog.at_level(logging.DEBUG, "celery.pool"):
        pool.apply_async(lambda *_, **__: None, (NAME,), {"card": CARD}, callback=lambda _: None)

    assert "TaskPool: Apply" in caplog.text
    assert NAME not in caplog.text
    assert CARD not in caplog.text


@pytest.mark.parametrize(
    ("logger", "merged"),
    [("merchantroute_worker.delivery.order", True), ("merchantroute_worker_of_the_shop", False), ("shop", False)],
)
def test_only_this_package_s_loggers_add_fields(
    logger: str, merged: bool, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    with ours():
        logging.getLogger(logger).warning("so", extra={"data": {"card": CARD}})

    (line,) = capsysbinary.readouterr().out.splitlines()
    assert (CARD in line.decode()) is merged
