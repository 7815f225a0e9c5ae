"""One JSON object a line on standard output, which is what a cluster collects."""

import json
import logging
import os
import sys
import time
from typing import Any

STDOUT = 1


class JsonFormatter(logging.Formatter):
    """Renders a record; a dictionary passed as `extra={"data": ...}` becomes fields of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        document: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        data = getattr(record, "data", None)
        if isinstance(data, dict):
            document.update(data)
        if record.exc_info:
            document["trace"] = self.formatException(record.exc_info)
        return json.dumps(document, ensure_ascii=False, default=str).encode("utf-8", "replace").decode("utf-8")


def write_past_locks(logger: logging.Logger, level: int, message: str, data: dict[str, Any]) -> None:
    """Write a line from a native thread beside a hub that stands: logging's locks may be the hub's just then."""
    if logger.isEnabledFor(level):
        record = logger.makeRecord(logger.name, level, "", 0, message, (), None, extra={"data": data})
        os.write(STDOUT, (JsonFormatter().format(record) + "\n").encode("utf-8", "replace"))


def configure(level: str) -> None:
    """Send every logger's records to standard output as JSON. ValueError for an unknown level."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # py-amqp logs every heartbeat, and a line per frame below that.
    logging.getLogger("amqp").setLevel(logging.WARNING)
