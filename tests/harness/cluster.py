"""A real Kubernetes for the tests that need one: kind cluster `merchantroute-test`, made when the first of them asks.

All processes of a run share it. MR_TEST_CLUSTER gives it another name; MR_TEST_KUBECONFIG names another one that is
there already. A cluster that the run has made is removed at its end, unless MR_KEEP=1; one that was there before is
used and stays (`make cluster CLUSTER=merchantroute-test`).
"""

import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from kubernetes import client, config

from merchantroute_kit.servers.hack import ROOT, adopt_tools, hack
from tests.harness.run import leads, made, once
from tests.harness.terminal import aloud

NAME = os.environ.get("MR_TEST_CLUSTER", "merchantroute-test")
MAKING = 2400.0  # seconds; cold, Docker is installed and the node image is built first
SHARED = "cluster"

Kubectl = Callable[..., str]


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Path:
    """The kubeconfig of a cluster whose administrator we are; KUBECONFIG names it as well."""
    given = os.environ.get("MR_TEST_KUBECONFIG")
    if not given:
        with aloud(pytestconfig):
            once(SHARED, _up)
    adopt_tools()
    kubeconfig = Path(given) if given else ROOT / "build" / f"kubeconfig-{NAME}"
    os.environ["KUBECONFIG"] = str(kubeconfig)
    return kubeconfig


def _up() -> dict[str, bool]:
    """Make it, or use what is there; whether it is ours to remove."""
    hack("docker-up", within=MAKING)
    adopt_tools()
    ours = not _is_there()
    hack("cluster-up", NAME, within=MAKING)
    return {"ours": ours}


def _is_there() -> bool:
    node = ["docker", "inspect", f"{NAME}-control-plane"]
    return subprocess.run(node, capture_output=True, timeout=60).returncode == 0


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the cluster that this run has made, whichever of its processes did."""
    found = made(SHARED) if leads(config) else None
    if found and found.get("value", {}).get("ours") and not os.environ.get("MR_KEEP"):
        hack("cluster-down", NAME, within=120)


@pytest.fixture(scope="session")
def kubectl(cluster: Path) -> Kubectl:
    """Run kubectl against the cluster: kubectl("get", "pods", stdin="", check=True) gives its stdout."""
    return kubectl_of(cluster)


def kubectl_of(kubeconfig: Path) -> Kubectl:
    """Kubectl for a cluster, by its kubeconfig."""

    def run(*arguments: str, stdin: str = "", check: bool = True, within: float = 120.0) -> str:
        command = ["kubectl", "--kubeconfig", str(kubeconfig), *arguments]
        ended = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=within)
        if check and ended.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {ended.stderr.strip()}")
        return ended.stdout

    return run


@pytest.fixture(scope="session")
def namespaces(cluster: Path) -> Iterator[client.CoreV1Api]:
    """The client that makes namespaces: a kubectl for each call takes ten times the processor's time."""
    with config.new_client_from_config(str(cluster)) as api:  # type: ignore[no-untyped-call]
        yield client.CoreV1Api(api)


@pytest.fixture
def namespace(namespaces: client.CoreV1Api) -> Iterator[str]:
    """A fresh namespace with the restricted Pod Security Standard, deleted after the test without waiting for it."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespaces.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name, labels=labels)))
    yield name
    try:
        namespaces.delete_namespace(name)
    except client.ApiException as refusal:
        if refusal.status != HTTPStatus.NOT_FOUND:
            raise
