"""What the tests of installations share: a cluster of their own, since an operator is installed once a cluster."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from merchantroute_kit.servers.hack import hack
from tests.e2e.installation import Installation, opened
from tests.e2e.installing import fresh as clusters
from tests.e2e.installing.fresh import Fresh
from tests.e2e.installing.versions import Version, built
from tests.harness.terminal import aloud

BUILDING = 1200.0  # seconds; cold, helm is compiled

Helm = Callable[..., str]


@pytest.fixture(scope="session")
def fresh(pytestconfig: pytest.Config) -> Iterator[Fresh]:
    """The cluster; an installation in it is its test's own."""
    with ExitStack() as stack:
        with aloud(pytestconfig):
            cluster = stack.enter_context(clusters.made())
        yield cluster


@pytest.fixture(scope="session")
def newest(pytestconfig: pytest.Config, fresh: Fresh) -> Version:
    """The version of this checkout, its images in the cluster."""
    with aloud(pytestconfig):
        version = built()
        fresh.load(version)
    return version


@pytest.fixture
def installation(fresh: Fresh) -> Iterator[Installation]:
    """The cluster as tenants and web shops reach it, in the place of the one that all other tests share.

    A tenant's route ends by the operator that is there at the test's end.
    """
    with opened(fresh.kubeconfig, fresh.kubectl) as found:
        yield found


@pytest.fixture(scope="session")
def helm(fresh: Fresh, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Run helm against the cluster: helm("install", ...) gives its stdout."""
    program = Path(hack("chart-tools", within=BUILDING).strip().splitlines()[-1]) / "helm"
    home = tmp_path_factory.mktemp("helm")

    def run(*arguments: str) -> str:
        command = [str(program), *arguments, "--kubeconfig", str(fresh.kubeconfig)]
        environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return run
