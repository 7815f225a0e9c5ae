"""The figures of a run as JSON."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.chaos_worker.ledger import Row


def write(path: Path, rows: Iterable[Row]) -> None:
    """A list with one object a fault, written anew after each, so that a run that is broken off leaves its rows."""
    write_json(path, [row.as_json() for row in rows])


def write_json(path: Path, document: Any) -> None:
    """Any document, whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(document, indent=2) + "\n")
    temporary.replace(path)
