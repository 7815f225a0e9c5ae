"""JSON logging: one object a line on standard output, where a cluster collects it."""

import json
import logging
import os
import sys
import time
from contextlib import suppress
from typing import Any

STDOUT = 1
OURS = "merchantroute_worker."
"""This package's loggers. Only they may add fields: Celery's have a task's arguments and result in `data` too."""
HIDDEN = "<hidden>"
_PLAIN = "mr_message"
"""A record's message without its fields, where those were added to the text."""
_ENCODE = json.JSONEncoder(ensure_ascii=False, default=str).encode


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON; a dictionary that this package passes as `extra={"data": ...}` becomes fields of its
    own.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        document: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": getattr(record, _PLAIN, None) or record.getMessage(),
        }
        data = getattr(record, "data", None)
        if isinstance(data, dict) and record.name.startswith(OURS):
            document.update(data)
        if record.exc_info:
            document["trace"] = self.formatException(record.exc_info)
        return _ENCODE(document).encode("utf-8", "replace").decode("utf-8")


class LineBuffer:
    """Buffers log lines of level info, and writes them together. It bypasses logging's handlers if `configure`
    installed them, since their output is known then.
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._second, self._prefix = -1, ""

    def info(self, logger: logging.Logger, message: str, data: dict[str, Any]) -> None:
        """Buffer one record with the data as its fields, stamped now."""
        if not logger.isEnabledFor(logging.INFO):
            return
        if not is_ours():
            logger.info(message, extra={"data": data})
            return
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second, self._prefix = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        stamp = f"{self._prefix}.{int((now - second) * 1000):03d}Z"
        document = {"time": stamp, "level": "info", "logger": logger.name, "message": message, **data}
        self._lines.append(_ENCODE(document))

    def flush(self) -> None:
        """Write the buffered lines."""
        if self._lines:
            lines, self._lines = self._lines, []
            # Ignored, as logging itself does: the reader of standard output may be gone, and no order waits for that.
            with suppress(OSError, ValueError):
                out = sys.stdout.buffer
                out.write(("\n".join(lines) + "\n").encode("utf-8", "replace"))
                out.flush()


def write_without_locks(logger: logging.Logger, level: int, message: str, data: dict[str, Any]) -> None:
    """Write a log line from a native thread while the hub is blocked: greenlets of the hub may hold logging's locks
    just then.
    """
    if logger.isEnabledFor(level):
        record = logger.makeRecord(logger.name, level, "", 0, message, (), None, extra={"data": data})
        os.write(STDOUT, (JsonFormatter().format(record) + "\n").encode("utf-8", "replace"))


def hide_task_contents() -> None:
    """Keep arguments and results of tasks out of the text of Celery's own lines, whoever formats and writes them:
    `succeeded in 0.1s: <result>` at level info, `TaskPool: Apply … (args:… kwargs:…)` at level debug.
    """
    for name in ("celery.app.trace", "celery.pool"):
        logging.getLogger(name).addFilter(_hide_contents)


def _hide_contents(record: logging.LogRecord) -> bool:
    if isinstance(record.args, dict) and "return_value" in record.args:
        record.args = {**record.args, "return_value": HIDDEN}
    elif isinstance(record.args, tuple) and "kwargs:" in str(record.msg):
        record.args = (*record.args[:1], *(HIDDEN for _ in record.args[1:]))
    return True


def keep_own_records() -> None:
    """Keep this package's records readable whatever an app does to logging: its loggers enabled, and their fields in
    the text where another formatter than ours writes them.

    `logging.config` disables every logger that exists unless told otherwise, and so does Django's `LOGGING`.
    """
    for name, logger in logging.Logger.manager.loggerDict.items():
        if name.startswith(OURS) and isinstance(logger, logging.Logger):
            logger.disabled = False
            logger.addFilter(_show_fields)


def _show_fields(record: logging.LogRecord) -> bool:
    data = getattr(record, "data", None)
    if data and isinstance(data, dict) and not is_ours() and not hasattr(record, _PLAIN):
        plain = record.getMessage()
        setattr(record, _PLAIN, plain)
        record.msg, record.args = f"{plain} ({' '.join(f'{name}={value}' for name, value in data.items())})", ()
    return True


def is_ours() -> bool:
    """Whether logging is still as `configure` left it: one handler, JSON on standard output."""
    handlers = logging.getLogger().handlers
    return len(handlers) == 1 and handlers[0] is _handler


_handler: logging.Handler | None = None


def configure(level: str) -> None:
    """Send every logger's records to standard output as JSON. ValueError for an unknown level."""
    global _handler  # noqa: PLW0603 - logging is the process's
    _handler = handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # py-amqp logs every heartbeat, and a line per frame below that.
    logging.getLogger("amqp").setLevel(logging.WARNING)
