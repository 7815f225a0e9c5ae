"""Which test runs in which process when a run has several (`pytest -n auto`): most of the time tests wait.

Tests of one module stay together and in order: they share fixtures. Some processes take the end-to-end tests first,
the longest modules before the others; the rest take the suites in their order, and fill the time in which images are
built and the cluster starts. Whoever has nothing left helps the others.
"""

import os
from collections.abc import Sequence
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from tests.harness.suites import SUITES, suite_of

PROCESSES = 6
END_TO_END = 3  # of them begin with these tests; more than that make pods wait for a processor

OPERATOR = "the operator is killed, or must not be"
# Tests that may not run at the same time, or that share what is costly: by the beginning of their ids.
TOGETHER = {
    "tests/contract/crd/": "definitions of the API server",
    "tests/contract/kube/": "definitions of the port's own group",
    "tests/contract/client/patched/": "patched clients",
    "tests/worker/patched/": "patched workers",
    "tests/e2e/test_standby.py": OPERATOR,
    "tests/e2e/test_changes.py::test_orders_flow_through_a_change[operator killed]": OPERATOR,
    "tests/e2e/test_bad_input.py": OPERATOR,
    "tests/e2e/test_isolation.py::test_a_merchant_that_hangs": OPERATOR,
    "tests/e2e/test_isolation_while_pods_come_and_go.py": OPERATOR,
    "tests/e2e/installing/": "a cluster of their own",
}
# Modules whose tests share nothing and take minutes each.
ONE_BY_ONE = ("tests/worker/test_every_celery.py",)
# What takes longest begins first, or the run ends with one process at work. Beginnings of ids, longest first.
LONGEST = (
    "tests/e2e/installing/",
    "tests/e2e/test_bad_input.py",  # the first of those around killed operators
    "tests/e2e/test_deletion.py",
    "tests/e2e/test_isolation_and_canaries.py",
    "tests/e2e/test_what_others_do.py",
    "tests/e2e/test_changes.py",
    "tests/e2e/test_canary.py",
    "tests/e2e/test_standby.py",
    "tests/e2e/test_suspect_lane.py",
    "tests/e2e/test_merchants.py",
    "tests/e2e/test_orders_flow.py",
    "tests/e2e/test_namespaces.py",
    "tests/e2e/test_dead_letters.py",
    "tests/worker/test_every_celery.py",
    "tests/worker/test_pools.py",
    "tests/worker/test_chaos.py",
    "tests/worker/test_plain_app.py",
    "tests/worker/test_suspect_orders.py",
    "tests/worker/test_traces.py",
    "tests/worker/test_the_worker_waits.py",
    "tests/contract/topology/test_canary_under_publishing.py",
    "tests/contract/topology/test_measured_share.py",
    "tests/contract/cli/test_replaying.py",
    "tests/contract/cli/test_looking_changes_nothing.py",
    "tests/unit/operator/",
    "tests/unit/worker/",
)


def group_of(nodeid: str) -> str:
    """The tests that run in one process, one after the other: a module's, unless more or less is said above."""
    for beginning, group in TOGETHER.items():
        if nodeid.startswith(beginning):
            return group
    return nodeid if nodeid.startswith(ONE_BY_ONE) else nodeid.split("::", 1)[0]


def in_order(nodeids: Sequence[str]) -> tuple[int, int]:
    """Where a group stands in its suite's queue: suites in their order, the longest groups of each first."""
    first = nodeids[0]
    suite = suite_of(first)
    rank = SUITES.index(suite) if suite in SUITES else len(SUITES)
    length = next((place for place, long in enumerate(LONGEST) if first.startswith(long)), len(LONGEST))
    return rank, length


class Lanes(LoadScopeScheduling):
    """xdist's scheduler of groups, with a choice of its own for each process."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        queue = self.workqueue
        ends = {scope: suite_of(next(iter(tests))) == "e2e" for scope, tests in queue.items()}
        wanted = _is_for_end_to_end(node)
        chosen = min(queue, key=lambda scope: (ends[scope] != wanted, in_order(list(queue[scope]))))
        queue.move_to_end(chosen, last=False)
        super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        # A process begins its last test when it knows what comes next; any earlier, and a group would wait there
        # while another process has nothing to do.
        if self.workqueue and self._pending_of(self.assigned_work[node]) > 1:
            return
        super()._reschedule(node)


def _is_for_end_to_end(node: WorkerController) -> bool:
    number = str(node.gateway.id).removeprefix("gw")
    return number.isdecimal() and int(number) < END_TO_END


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Lanes:
    """Take it whatever --dist says."""
    return Lanes(config, log)


@pytest.hookimpl
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """-n auto: several processes for whole suites, none for single tests, which would wait for them to start."""
    if config.option.keyword or any("::" in argument for argument in config.args):
        return 0
    only_end_to_end = all(argument.startswith("tests/e2e") for argument in config.args)
    return int(os.environ.get("MR_TEST_PROCESSES", str(END_TO_END if only_end_to_end else PROCESSES)))
