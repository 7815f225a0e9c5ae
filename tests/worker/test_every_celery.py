"""The worker with each Celery that it supports, on each Python that can be had: in an environment made for the pair.

What `.venv` has is what all other tests show; here a selection of them is run with the rest. For each minor release the
locks hold the first one with the oldest libraries that it may have, and the newest with the newest.
"""

import os
import subprocess

import pytest

from merchantroute_kit.servers.hack import ROOT, hack
from tests.harness.broker import broker_environment
from tests.harness.pythons import RUNNING, SUPPORTED, pythons

LOCKED = "dev"
"""The release that requirements/dev.txt holds, and `.venv`."""
IMAGE = "3.13"
"""The Python of the worker's image, in which the tests run on a machine that has none of its own."""
NEWEST = (LOCKED, "5.6", "5.5")
OLDEST = ("5.6.0", "5.5.0")
SELECTION = (
    "tests/unit/worker/celery",
    "tests/unit/worker/pools",
    "tests/unit/worker/rabbit",
    "tests/unit/worker/runtime",
    "tests/house/test_versions_have_one_source.py::test_the_versions_that_the_tests_run_with_fit",
    "tests/worker/patched/test_every_end_of_a_task.py",
    "tests/worker/patched/test_changing_the_slots.py",
    "tests/worker/patched/test_failure_hooks.py",
    "tests/worker/test_the_end_of_a_prefork_pool.py",
    "tests/worker/test_live_tuning.py::test_concurrency_is_raised_and_lowered_under_load_and_no_order_is_handed_out_twice",
    "tests/worker/test_non_utf8_text.py::test_each_is_dead_with_a_reason_and_its_neighbours_are_done",
    "tests/worker/test_any_app.py::test_a_step_of_the_app_that_fails_does_not_end_the_pod",
    "tests/worker/test_any_app.py::test_the_post_s_own_command_line_works_on_the_lane_s_queue",
    "tests/worker/test_plain_app.py::test_retries_chains_countdowns_and_tasks_of_tasks_all_arrive",
    "tests/worker/test_plain_app.py::test_a_task_that_fails_or_rejects_is_a_dead_letter_and_never_dropped",
    "tests/worker/test_plain_app.py::test_its_calls_end_at_the_route_s_deadline_and_are_tried_again",
    "tests/worker/test_plain_app.py::test_nothing_is_declared_by_its_worker",
    "tests/worker/test_pools.py::test_orders_are_done",
    "tests/worker/test_pools.py::test_sigterm_finishes_what_was_begun",
    "tests/worker/test_pools.py::test_orders_that_outlast_the_grace_are_handed_back",
)
MAKING, RUN = 900.0, 1200.0  # seconds; both take a tenth of that on a quiet machine


def minors() -> list[str]:
    """The Pythons that can be had, oldest first."""
    return [minor for minor in SUPPORTED if minor in pythons() or minor == IMAGE]


def pairs() -> list[tuple[str, str]]:
    """Lock and Python: the newest releases on every Python, the oldest on the oldest Python."""
    every = [(release, python) for python in minors() for release in NEWEST]
    return [pair for pair in every if pair != (LOCKED, RUNNING)] + [(release, minors()[0]) for release in OLDEST]


@pytest.mark.parametrize("test", SELECTION)
def test_what_is_selected_is_there(test: str) -> None:
    path, _, function = test.partition("::")
    assert (ROOT / path).exists()
    assert not function or f"def {function}(" in (ROOT / path).read_text("utf-8")


@pytest.mark.extended  # the newest release, on the Python of .venv, is what all other tests run with
@pytest.mark.parametrize(("release", "python"), pairs())
def test_orders_and_tasks_are_settled_pools_change_and_pods_end(
    pytestconfig: pytest.Config, release: str, python: str
) -> None:
    made = ["celery-venv", release, pythons()[python]] if python in pythons() else ["celery-venv-in-image", release]
    interpreter = hack(*made, within=MAKING).strip()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    # Older libraries call what a newer Python deprecates, in the tests' own process as well.
    options = ["-q", "-n", "0", "-p", "no:cacheprovider", "-W", "ignore::DeprecationWarning"]

    ended = subprocess.run(
        [interpreter, "-m", "pytest", *options, *SELECTION],
        cwd=ROOT,
        env={**inherited, **broker_environment(pytestconfig)},
        capture_output=True,
        text=True,
        timeout=RUN,
    )

    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]
