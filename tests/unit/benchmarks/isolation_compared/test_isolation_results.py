"""The results file's rows."""

import json
import math
from pathlib import Path
from typing import Any

from benchmarks.isolation_compared.rows.isolation_results import IsolationResults


def found(p99: float) -> dict[str, Any]:
    """A cell's figures, as far as they are looked at."""
    return {"healthy_p99": p99, "healthy_p99_all": 2 * p99, "isolation_seconds": None}


def test_a_row_is_compared_with_its_contenders_baseline_at_that_load(tmp_path: Path) -> None:
    results = IsolationResults(keep=False, path=tmp_path / "rows.json")
    results.add("celery", "none", 50, found(1.0), {})
    results.add("automatic", "none", 50, found(2.0), {})
    results.add("automatic", "none", 90, found(5.0), {})

    row = results.add("automatic", "flood", 50, found(3.0), {"cpu_seconds": math.nan})

    assert (row["healthy_p99_ratio"], row["healthy_p99_all_ratio"], row["cpu_seconds"]) == (1.5, 1.5, None)
    assert json.loads((tmp_path / "rows.json").read_text()) == results.rows


def test_what_is_measured_again_replaces_what_was_and_all_that_is_compared_with_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    first = IsolationResults(keep=False, path=path)
    first.add("off", "none", 50, found(1.0), {})
    first.add("off", "flood", 50, found(4.0), {})

    again = IsolationResults(keep=True, path=path)
    again.add("off", "none", 50, found(2.0), {})

    assert [(row["fault"], row["healthy_p99_ratio"]) for row in again.rows] == [("flood", 2.0), ("none", 1.0)]


def test_without_a_baseline_there_is_no_ratio(tmp_path: Path) -> None:
    row = IsolationResults(keep=False, path=tmp_path / "rows.json").add("off", "flood", 50, found(4.0), {})

    assert row["healthy_p99_ratio"] is None
