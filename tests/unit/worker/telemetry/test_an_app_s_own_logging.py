"""Whatever an app does to logging, this package's records are written, and say which order they are about."""

import io
import json
import logging
import logging.config
from collections.abc import Iterator

import pytest

from merchantroute_worker.telemetry import logs

LOG = logging.getLogger("merchantroute_worker.delivery.a_module_of_the_test")
DONE = ("order %s", "done")
FIELDS = {"order": "o-1", "merchant": "bistro"}


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """What is written by Celery's own kind of handler and formatter; logging is as it was afterwards."""
    root, text = logging.getLogger(), io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
    before = root.handlers[:], root.level
    root.handlers[:], root.level = [handler], logging.INFO
    yield text
    root.handlers[:], root.level = before
    for logger in logging.Logger.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.removeFilter(logs._show_fields)
            logger.disabled = False


def test_a_text_log_names_the_order(out: io.StringIO) -> None:
    logs.keep_own_records()
    LOG.info(*DONE, extra={"data": FIELDS})

    assert out.getvalue() == "[INFO] order done (order=o-1 merchant=bistro)\n"


def test_two_handlers_do_not_say_it_twice_and_json_keeps_its_fields(out: io.StringIO) -> None:
    logs.keep_own_records()
    logs.keep_own_records()
    json_out = io.StringIO()
    also = logging.StreamHandler(json_out)
    also.setFormatter(logs.JsonFormatter())
    logging.getLogger().addHandler(also)

    LOG.info(*DONE, extra={"data": FIELDS})

    assert out.getvalue().count("o-1") == 1
    line = json.loads(json_out.getvalue())
    assert (line["message"], line["order"]) == ("order done", "o-1")


def test_loggers_that_a_configuration_disables_are_enabled_again(out: io.StringIO) -> None:
    """Django configures `LOGGING` by this very function, and the key's default is to disable."""
    logging.config.dictConfig({"version": 1, "loggers": {"shop": {"level": "INFO"}}})
    assert LOG.disabled

    logs.keep_own_records()
    LOG.info(*DONE, extra={"data": FIELDS})

    assert "o-1" in out.getvalue()
