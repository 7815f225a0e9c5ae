"""The worker's own table of versions, which its images need, says what pyproject.toml says."""

import tomllib
from pathlib import Path

from merchantroute_worker.runtime.versions import BOUNDS, unfit

ROOT = Path(__file__).resolve().parents[2]
PROMISED = {"prometheus-client>=0.26,<1"}  # only what its documentation promises is used


def test_the_table_is_the_extra_s() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]

    assert {f"{name}{bounds}" for name, bounds in BOUNDS.items()} == set(extras["worker"]) - PROMISED


def test_the_versions_that_the_tests_run_with_fit() -> None:
    assert unfit() == ""
