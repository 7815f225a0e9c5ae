"""Processes of one run share what is set up once, keep tests of a module together, and leave nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.lanes import LONGEST, ONE_BY_ONE, TOGETHER, group_of, in_order
from tests.house.tracked import ROOT, named, tracked

SETS_UP = """
import os

import pytest

from tests.harness.run import once


@pytest.fixture(scope="session")
def shared():
    return once("shared", lambda: os.getpid())


@pytest.fixture(scope="session")
def broken():
    return once("broken", lambda: (HERE / f"tried-{os.getpid()}").write_text("") and 1 / 0 or 1 / 0)
"""
TESTS = """
import os


def test_is_shared(shared):
    print(f"<{os.getpid()} has what {shared} made>")
    assert 0


def test_is_together():
    print(f"<{os.getpid()} goes on>")
    assert 0


def test_is_broken(broken):
    pass
"""


@pytest.fixture
def output(tmp_path: Path) -> str:
    """What a run of two modules in two processes says."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib -p no:cacheprovider\n")
    plugins = 'pytest_plugins = ("tests.harness.run", "tests.harness.lanes")\n'
    here = f"from pathlib import Path\n\nHERE = Path({str(tmp_path)!r})\n"
    (tmp_path / "conftest.py").write_text(plugins + here + SETS_UP)
    for name in ("one", "other"):
        (tmp_path / f"test_{name}.py").write_text(TESTS)
    unset = {key: value for key, value in os.environ.items() if not key.startswith(("MR_TEST_", "PYTEST_"))}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2"],
        cwd=tmp_path,
        env={**unset, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return ended.stdout


def test_what_is_set_up_once_is_everybodys_and_gone_afterwards(output: str, tmp_path: Path) -> None:
    said = [line.strip("<>").split() for line in output.splitlines() if line.startswith("<")]
    processes = {words[0] for words in said}
    assert len(processes) == 2
    makers = {words[-2] for words in said if words[-1] == "made"}
    assert len(makers) == 1
    assert makers <= processes
    assert sorted(words[0] for words in said) == sorted([*processes, *processes]), "a module stays in one process"
    assert len(list(tmp_path.glob("tried-*"))) == 1, "what cannot be set up is tried once"
    assert output.count("ZeroDivisionError: division by zero") >= 2, "and everybody is told why"
    assert not list(tmp_path.glob("merchantroute-run-*"))


def test_groups_and_long_modules_are_there() -> None:
    modules = [named(path) for path in tracked(".py") if path.name.startswith("test_")]
    for beginning in (*TOGETHER, *ONE_BY_ONE, *LONGEST):
        path = beginning.split("::", 1)[0]
        assert any(module.startswith(path) for module in modules), f"{path} has moved: tests/harness/lanes.py names it"


def test_what_may_not_run_side_by_side_is_one_group() -> None:
    killed = "tests/e2e/test_changes.py::test_orders_flow_through_a_change[operator killed]"
    others = "tests/e2e/test_changes.py::test_orders_flow_through_a_change[tier replaced]"
    assert group_of(killed) == group_of("tests/e2e/test_standby.py::test_a") != group_of(others)
    assert group_of(others) == "tests/e2e/test_changes.py"


def test_tests_that_share_nothing_and_take_minutes_are_a_group_each() -> None:
    older, newer = (f"tests/worker/test_every_celery.py::test_a[{release}-3.11]" for release in ("5.5", "5.6"))
    assert group_of(older) == older != group_of(newer)


def test_suites_come_in_their_order_and_long_modules_first() -> None:
    short, long = "tests/worker/test_strange_text.py::test_a", "tests/worker/test_pools.py::test_a"
    contract, unit = "tests/contract/rabbit/test_pulses.py::test_a", "tests/unit/cli/test_any_letter.py::test_a"
    assert sorted([[short], [contract], [long], [unit]], key=in_order) == [[unit], [contract], [long], [short]]
