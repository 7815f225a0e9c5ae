"""A tail of the pods' logs: every finished order has a record there, written before the order is acked.

They are read as a cluster's log collector reads them, so that nothing of the broker is needed to know of an order.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from merchantroute_kit.accounting.ledger import Completion
from merchantroute_kit.wire.completions import parse

_MARK = b'"order.done"'


class LogTail:
    """Reads on in the log files of pods, of those that come as well."""

    def __init__(self, take: Callable[[Completion], None]) -> None:
        self._take = take
        self._read: dict[Path, int] = {}
        self.warnings: dict[str, int] = {}

    def look(self, logs: Iterable[Path]) -> None:
        """Take what was written since the last look. A line without an end was not finished, or never will be."""
        for log in logs:
            with log.open("rb") as source:
                source.seek(self._read.get(log, 0))
                text = source.read()
            whole = text.rfind(b"\n") + 1
            self._read[log] = self._read.get(log, 0) + whole
            for line in text[:whole].splitlines():
                self._line(line)

    def _line(self, line: bytes) -> None:
        if _MARK in line:
            completion = parse(line)
            if completion is not None:
                self._take(completion)
        elif b'"level": "info"' not in line:
            message = _message(line)
            self.warnings[message] = self.warnings.get(message, 0) + 1


def _message(line: bytes) -> str:
    try:
        return str(json.loads(line)["message"])
    except (ValueError, KeyError, TypeError):
        return line.decode(errors="replace")[:200]
