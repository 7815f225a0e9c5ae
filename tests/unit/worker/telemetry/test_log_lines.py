"""Buffered log lines are the same as lines that were logged one by one."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from merchantroute_worker.telemetry import logs

LOG = logging.getLogger("merchantroute_worker.outcomes.completions")
RECORD = {"event": "order.done", "order": "ü\ud83d\n", "seconds": 0.25, "steps": ["submit"]}


@contextmanager
def ours() -> Iterator[None]:
    """The process's logging as a pod has it. Not a fixture: pytest's own handlers come after those."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure("info")
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def test_they_wait_for_the_flush_and_are_what_the_formatter_makes(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    lines = logs.LineBuffer()
    with ours():
        LOG.info("order done", extra={"data": RECORD})
        (alone,) = capsysbinary.readouterr().out.splitlines()
        lines.info(LOG, "order done", RECORD)
        lines.info(LOG, "order done", RECORD)
        assert capsysbinary.readouterr().out == b""

        lines.flush()

    together = capsysbinary.readouterr().out.splitlines()
    assert [{**json.loads(line), "time": ""} for line in together] == [{**json.loads(alone), "time": ""}] * 2
    assert len(json.loads(together[0])["time"]) == len(json.loads(alone)["time"])
    lines.flush()
    assert capsysbinary.readouterr().out == b""


def test_where_logging_is_another_s_they_are_logged_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logs.LineBuffer().info(LOG, "order done", RECORD)

    assert caplog.messages == ["order done"]
    assert caplog.records[0].__dict__["data"] == RECORD


def test_a_level_that_leaves_them_out_does_so(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    lines = logs.LineBuffer()

    with ours():
        logging.getLogger().setLevel(logging.WARNING)
        lines.info(LOG, "order done", RECORD)
        lines.flush()

    assert capsysbinary.readouterr().out == b""
