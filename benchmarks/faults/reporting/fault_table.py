"""The table: a line a fault, as it ends."""

from benchmarks.chaos_worker.ledger import Row

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
