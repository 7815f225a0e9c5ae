"""What the end-to-end tests share: one installation, as a user makes it, and a tenant of its own for each test."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from merchantroute_kit.servers.hack import ROOT, hack
from tests.e2e import tenant as places
from tests.e2e import web_shop as shops
from tests.e2e.installation import Installation, opened
from tests.e2e.tenant import Tenant
from tests.e2e.web_shop import WebShop
from tests.harness.cluster import NAME, Kubectl
from tests.harness.run import once
from tests.harness.terminal import aloud

BUILDING = 1500.0  # seconds; cold, wheels are downloaded
INSTALLING = 600.0
OPERATOR = ("-n", "merchantroute-system", "logs", "deployment/merchantroute-operator", "--tail=60")

OpenWebShop = Callable[[Tenant, str], WebShop]
WORLD = pytest.StashKey[Installation]()


@pytest.fixture(scope="session")
def installation(cluster: Path, kubectl: Kubectl, pytestconfig: pytest.Config) -> Iterator[Installation]:
    """The cluster with the images of this checkout and manifests/overlays/test, as hack/install leaves it.

    One that MR_TEST_KUBECONFIG names has all that already.
    """
    if not os.environ.get("MR_TEST_KUBECONFIG"):
        with aloud(pytestconfig):
            once("installation", lambda: _install(kubectl))
    with opened(cluster, kubectl) as everything:
        pytestconfig.stash[WORLD] = everything
        yield everything


def _install(kubectl: Kubectl) -> None:
    hack("build-images", within=BUILDING)
    hack("install", NAME, within=INSTALLING, MR_OVERLAY=str(ROOT / "manifests" / "overlays" / "test"))
    places.remove_leftovers(kubectl)


@pytest.fixture
def tenant(installation: Installation) -> Iterator[Tenant]:
    """A namespace and a virtual host for one test."""
    with places.made(installation) as made:
        yield made


@pytest.fixture(scope="module")
def module_tenant(installation: Installation) -> Iterator[Tenant]:
    """A namespace and a virtual host for the tests of one module."""
    with places.made(installation) as made:
        yield made


@pytest.fixture
def web_shop() -> Iterator[OpenWebShop]:
    """web_shop(tenant, route) opens a web shop at a route that is Ready; it is closed after the test."""
    with ExitStack() as stack:

        def open_one(tenant: Tenant, route: str) -> WebShop:
            one: AbstractContextManager[WebShop] = shops.opened(tenant, route)
            return stack.enter_context(one)

        yield open_one


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the cluster had to say at that moment."""
    report = yield
    installation = item.config.stash.get(WORLD, None)
    if report.failed and installation is not None:
        kinds = "merchantroutes,deployments,pods"
        report.sections.append(("cluster", installation.kubectl("get", kinds, "-A", "-o", "wide", check=False)))
        report.sections.append(("operator", installation.kubectl(*OPERATOR, check=False)))
    return report
