"""Processes that are killed, and a stand-by that is told to end: real processes on a real API server."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from merchantroute_kit.servers.ports import free_port
from merchantroute_operator.kube.lease import LEASE
from tests.contract.kube.test_lease import holder, lease
from tests.harness.cluster import Kubectl
from tests.harness.container import AS_PROCESS_1, told_at

ROOT = Path(__file__).resolve().parents[3]

Candidate = subprocess.Popen[str]


@pytest.fixture
def candidate(cluster: Path, namespace: str) -> Iterator[Callable[[str], Candidate]]:
    """Start a candidate of this name; it has begun to wait for the Lease."""
    started: list[Candidate] = []

    def start(name: str) -> Candidate:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.contract.kube.candidate", namespace, name],
            cwd=ROOT,
            env={**os.environ, "KUBECONFIG": str(cluster), "PYTHONPATH": os.pathsep.join((str(ROOT), *sys.path))},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert says(process) == "waits"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def says(process: Candidate) -> str:
    """The next line of it; the suite's own time limit bounds the wait."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_standby_takes_over_from_a_killed_operator(
    candidate: Callable[[str], Candidate], namespace: str, kubectl: Kubectl
) -> None:
    first = candidate("first")
    assert says(first) == "works"
    second = candidate("second")

    first.kill()

    assert says(second) == "works"
    assert holder(kubectl, namespace) == "second"
    assert lease(kubectl, namespace)["leaseTransitions"] == 1


def test_a_container_that_is_started_anew_goes_on_at_once(
    candidate: Callable[[str], Candidate], namespace: str, kubectl: Kubectl
) -> None:
    """Its pod's name holds the Lease, and the process that took it is gone: nobody else can have that name."""
    first = candidate("pod")
    assert says(first) == "works"
    first.kill()
    first.wait()
    taken = lease(kubectl, namespace)

    again = candidate("pod")

    assert says(again) == "works"
    assert lease(kubectl, namespace)["acquireTime"] > taken["acquireTime"]
    assert holder(kubectl, namespace) == "pod"


def test_of_two_processes_with_one_name_the_older_ends(candidate: Callable[[str], Candidate]) -> None:
    first = candidate("twin")
    assert says(first) == "works"
    second = candidate("twin")
    assert says(second) == "works"

    assert first.wait(60) == 1
    assert second.poll() is None


def test_an_operator_that_stood_still_ends_before_it_works_again(
    candidate: Callable[[str], Candidate], namespace: str, kubectl: Kubectl
) -> None:
    """SIGSTOP until another works: as a node that swaps, or a virtual machine that is moved."""
    first = candidate("first")
    assert says(first) == "works"
    second = candidate("second")
    first.send_signal(signal.SIGSTOP)
    assert says(second) == "works"

    first.send_signal(signal.SIGCONT)

    assert first.wait(60) == 1
    assert holder(kubectl, namespace) == "second"
    assert second.poll() is None


def test_a_standby_that_is_told_to_end_ends_at_once(cluster: Path, namespace: str, kubectl: Kubectl) -> None:
    """The program itself, as process 1: the first look at the Lease finds it told to end."""
    ended = subprocess.run(
        [*AS_PROCESS_1, sys.executable, "-m", "merchantroute_operator"],
        env={
            **os.environ,
            **told_at("call:LeaseStore.read", ROOT / "operator"),
            "KUBECONFIG": str(cluster),
            "MR_OPERATOR_NAMESPACE": namespace,
            "MR_OPERATOR_HEALTH_PORT": str(free_port()),
            "MR_OPERATOR_METRICS_PORT": str(free_port()),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert LEASE not in kubectl("-n", namespace, "get", "leases", "-o", "name")
