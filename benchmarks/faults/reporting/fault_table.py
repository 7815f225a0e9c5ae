"""The table of a run: a line a fault, as it ends, and the same rows as JSON."""

from collections.abc import Iterable
from pathlib import Path

from benchmarks.faults.reporting.fault_ledger import Row
from benchmarks.json_file import write_json

_COLUMNS = ("published", "done", "dead", "lost", "doubled", "redelivered", "again", "restarts")
_NAME = 16


def heading() -> str:
    """The names of the columns."""
    return f"{'fault':{_NAME}}" + "".join(f"{name:>12}" for name in _COLUMNS) + f"{'seconds':>9}"


def line(row: Row) -> str:
    """One row, with what went wrong below it."""
    figures = "".join(f"{getattr(row, name):>12}" for name in _COLUMNS)
    told = "".join(f"\n    FAILED {failure}" for failure in row.failures)
    return f"{row.fault:{_NAME}}{figures}{row.seconds:>9.0f}{told}"


def write(path: Path, rows: Iterable[Row]) -> None:
    """A list with one object a fault, written anew after each, so that a run that is broken off leaves its rows."""
    write_json(path, [row.as_json() for row in rows])
