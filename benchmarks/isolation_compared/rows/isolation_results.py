"""The results file: a row for each contender, fault and load, with its p99 against the contender's own baseline."""

import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.isolation_compared.trouble import NONE
from benchmarks.json_file import write_json

ROOT = Path(__file__).resolve().parents[3]
FILE = "build/bench-isolation.json"
Row = dict[str, Any]
_DIGITS = 3


class IsolationResults:
    """The rows so far, written after each cell."""

    def __init__(self, *, keep: bool, path: Path = ROOT / FILE) -> None:
        self._path = path
        self.rows: list[Row] = json.loads(path.read_text()) if keep and path.exists() else []

    def add(self, contender: str, fault: str, load: int, found: Mapping[str, Any], use: Mapping[str, Any]) -> Row:
        """Take in a cell; what was measured of it before is replaced."""
        at = time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime())
        row = {"contender": contender, "fault": fault, "load": load, **rounded({**found, **use}), "at": at}
        self.rows = [each for each in self.rows if key(each) != key(row)] + [row]
        self.rows = against_baselines(self.rows)
        write_json(self._path, self.rows)
        return next(each for each in self.rows if key(each) == key(row))

    def has(self, contender: str, fault: str, load: int) -> bool:
        """Whether a cell is measured: by another run, if this one keeps what was."""
        return any(key(row) == (contender, fault, load) for row in self.rows)

    def line(self, row: Row) -> str:
        """One row for somebody who watches."""
        return (
            f"{row['contender']:18} {row['load']} % {row['fault']:9} healthy p50 {row['healthy_p50']} p99 "
            f"{row['healthy_p99']} ({row['healthy_p99_ratio']}, all {row['healthy_p99_all_ratio']}) isolated "
            f"{row['isolated']} in {row['isolation_seconds']} s, false {row['false_openings']}; slots "
            f"{row['most_slots']} refused {row['refused']} publishes {row['amplification']} fair {row['fairness']} "
            f"recovery {row['recovery_seconds']}{'' if row['recovered'] else '+'} peak {row['recovery_peak']}; "
            f"{row['done']}/{row['published']} dead {row['dead']} queued {row['queued']} lost {row['lost']} doubled "
            f"{row['doubled']}; CPU {row['cpu_seconds']} s {row['memory_mb']} MB core {row['busiest_core']} late "
            f"{row['published_late']}"
        )


def key(row: Mapping[str, Any]) -> tuple[str, str, int]:
    """What tells rows apart."""
    return row["contender"], row["fault"], row["load"]


def rounded(values: Mapping[str, Any]) -> Row:
    """To thousandths; what is no number is null, as JSON has no other word for it."""
    return {name: _rounded(value) for name, value in values.items()}


def against_baselines(rows: Sequence[Row]) -> list[Row]:
    """Each row with its p99 as a ratio to the same contender's at that load without a fault."""
    bases = {(row["contender"], row["load"]): row for row in rows if row["fault"] == NONE}
    return [{**row, **_ratios(row, bases.get((row["contender"], row["load"])))} for row in rows]


def _ratios(row: Row, base: Row | None) -> Row:
    return {
        f"{name}_ratio": _ratio(row[name], base[name] if base else None) for name in ("healthy_p99", "healthy_p99_all")
    }


def _ratio(one: float | None, other: float | None) -> float | None:
    return round(one / other, _DIGITS) if one is not None and other else None


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DIGITS) if math.isfinite(value) else None
    return value
