"""Tests in a process patched by gevent count in the run that collects them, whatever becomes of that process."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

HEALTHY = """
import socket

import pytest
from gevent import monkey


@pytest.mark.parametrize("module", ["socket", "ssl", "threading"])
def test_is_patched(module):
    assert monkey.is_module_patched(module)


def test_fails_in_the_child():
    print("said before it failed")
    answer = 41
    assert answer == 42


@pytest.fixture
def breaks():
    yield
    raise OSError("not cleaned up")


def test_breaks_at_its_end(breaks):
    pass
"""

CRASHING = """
import os

def test_first():
    pass

def test_kills_the_process():
    print("last words", flush=True)
    os._exit(7)

def test_after_it():
    pass
"""


@dataclass(frozen=True)
class Outcome:
    """What a run of pytest over a small project said; `results` maps a test to "" or to why it did not pass."""

    results: dict[str, str]
    output: str

    @property
    def closing_line(self) -> str:
        return self.output.strip().splitlines()[-1]


Run = Callable[..., Outcome]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run pytest, with the plugin, on modules in a marked folder."""

    def run_pytest(*arguments: str, **modules: str) -> Outcome:
        (tmp_path / "pytest.ini").write_text(
            "[pytest]\naddopts = --import-mode=importlib -p no:cacheprovider -p no:asyncio\n"
        )
        (tmp_path / "conftest.py").write_text('pytest_plugins = ("tests.harness.broker", "tests.harness.patched")\n')
        folder = tmp_path / "suite" / "patched"
        folder.mkdir(parents=True)
        (folder / "patched.txt").touch()
        for name, source in modules.items():
            (folder / f"{name}.py").write_text(source)
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "--junitxml=results.xml", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        cases = ET.parse(tmp_path / "results.xml").iter("testcase")  # noqa: S314 - pytest has just written it
        results = {case.attrib["name"]: "".join(part.text or "" for part in case) for case in cases}
        return Outcome(results, ended.stdout)

    return run_pytest


def test_each_test_of_the_patched_process_is_reported_as_one_of_this_run(run: Run) -> None:
    outcome = run(test_healthy=HEALTHY)

    passed = {name for name, why in outcome.results.items() if not why}
    assert passed == {"test_is_patched[socket]", "test_is_patched[ssl]", "test_is_patched[threading]"}
    assert "assert 41 == 42" in outcome.results["test_fails_in_the_child"]
    assert "said before it failed" in outcome.output
    assert "not cleaned up" in outcome.results["test_breaks_at_its_end"]
    assert "1 failed, 4 passed, 1 error" in outcome.closing_line


def test_only_the_chosen_tests_run(run: Run) -> None:
    outcome = run("-k", "ssl", test_healthy=HEALTHY)

    assert set(outcome.results) == {"test_is_patched[ssl]"}
    assert "1 passed, 4 deselected" in outcome.closing_line


def test_a_process_that_dies_fails_every_test_it_still_owed(run: Run) -> None:
    outcome = run(test_crashing=CRASHING)

    assert outcome.results["test_first"] == ""
    assert "status 7" in outcome.results["test_kills_the_process"]
    assert "last words" in outcome.results["test_kills_the_process"]
    assert "status 7" in outcome.results["test_after_it"]
    assert "2 failed, 1 passed" in outcome.closing_line


def test_a_module_that_cannot_be_imported_is_an_error_and_not_an_empty_suite(run: Run) -> None:
    outcome = run(test_broken="import nothing_of_that_name\n", test_healthy=HEALTHY)

    assert "nothing_of_that_name" in outcome.output
    assert "error" in outcome.closing_line


def test_what_the_test_before_one_left_set_up_is_torn_down_for_the_one_after_it(run: Run, tmp_path: Path) -> None:
    """Its folder, which a test of the patched process has in common with it, and the one after that has not."""
    for folder in ("suite", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"test_in_{folder}.py").write_text("def test_it():\n    pass\n")

    chosen = ["suite/test_in_suite.py", "suite/patched", "other/test_in_other.py"]
    outcome = run("-k", "test_it or ssl", *chosen, test_healthy=HEALTHY)

    assert "3 passed, 4 deselected" in outcome.closing_line
