"""Which versions the worker stands on is said once in pyproject.toml; its own table, the locks and the docs agree."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from merchantroute_worker.runtime.versions import BOUNDS, unfit
from tests.harness.pythons import SUPPORTED
from tests.house.tracked import ROOT

PROMISED = {"prometheus-client>=0.26,<1"}  # only what its documentation promises is used
LOCKS = [ROOT / "requirements" / "dev.txt", *sorted((ROOT / "requirements" / "celery").glob("*.txt"))]
FAMILY = ("celery", "kombu", "amqp", "billiard")
"""Distributions, in the order of the columns in docs/own-apps.md."""
ROW = re.compile(r"^\| (5\.\d+\.\d+) \| (\S+) \| (\S+) \| (\S+) \| (.+) \|$", re.MULTILINE)


def project() -> dict[str, Any]:
    whole: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return whole["project"]


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text("utf-8"), re.MULTILINE))


def table() -> list[tuple[str, ...]]:
    """The rows of the table, without the Pythons."""
    return [row[:4] for row in ROW.findall((ROOT / "docs" / "own-apps.md").read_text("utf-8"))]


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_the_table_is_the_extra_s() -> None:
    assert {f"{name}{bounds}" for name, bounds in BOUNDS.items()} == (
        set(project()["optional-dependencies"]["worker"]) - PROMISED
    )


def test_the_versions_that_the_tests_run_with_fit() -> None:
    assert unfit() == ""


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_is_within_the_bounds(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = pins(LOCKS[0]) | pins(lock)
    monkeypatch.setattr("merchantroute_worker.runtime.versions.metadata.version", locked.__getitem__)
    # What the lock's releases require of each other was checked when they were installed for their own tests.
    monkeypatch.setattr("merchantroute_worker.runtime.versions.metadata.requires", lambda _: None)

    assert unfit() == ""


def test_the_docs_show_what_is_locked() -> None:
    locked = [tuple(pins(lock)[name] for name in FAMILY) for lock in LOCKS]

    assert table() == sorted(locked, key=lambda row: numbers(row[0]), reverse=True)


@pytest.mark.parametrize("name", FAMILY)
def test_the_first_release_within_the_bounds_is_tested_and_no_minor_one_is_left_out(name: str) -> None:
    least, below = BOUNDS[name].removeprefix(">=").split(",<")
    tested = {numbers(pins(lock)[name]) for lock in LOCKS}
    minors = {release[:2] for release in tested}

    assert min(tested)[: len(numbers(least))] == numbers(least)
    assert minors == {(5 if name != "billiard" else 4, minor) for minor in range(numbers(least)[1], numbers(below)[1])}


def test_the_supported_pythons_are_the_same_everywhere() -> None:
    classified = [
        each.rpartition(" ")[2]
        for each in project()["classifiers"]
        if each.startswith("Programming Language :: Python ")
    ]
    page = (ROOT / "docs" / "own-apps.md").read_text("utf-8")

    assert classified == list(SUPPORTED)
    assert project()["requires-python"] == f">={SUPPORTED[0]}"
    assert {row[4] for row in ROW.findall(page)} == {", ".join(SUPPORTED), SUPPORTED[0]}
    assert f"Python {SUPPORTED[0]} to {SUPPORTED[-1]} on Linux" in page
