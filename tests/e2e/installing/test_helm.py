"""Real helm on a real cluster: from `helm install` to the first order, and what an upgrade and an uninstall leave.

The seconds of each stage go to build/helm.json.
"""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml

from merchantroute_kit.servers.hack import ROOT, hack
from merchantroute_kit.waiting import until
from tests.e2e.installation import Installation
from tests.e2e.installing.conftest import Helm
from tests.e2e.installing.fresh import DEFINITIONS, SYSTEM, Fresh
from tests.e2e.installing.left import ALLOWED, GUARD, definitions, left
from tests.e2e.installing.minimal import Minimal
from tests.e2e.installing.versions import Version

logger = logging.getLogger(__name__)
VERSION = yaml.safe_load((ROOT / "charts" / "merchantroute" / "Chart.yaml").read_text())["version"]
CHART = str(ROOT / "dist" / f"merchantroute-{VERSION}.tgz")
FIGURES = ROOT / "build" / "helm.json"
RELEASE = ("merchantroute", CHART, "--namespace", SYSTEM)
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
WAIT = ("--wait", "--timeout", "5m")


class Stages:
    """The seconds of what a reader of docs/install.md does, in its order."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage that ends well."""
        begun = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - begun, 1)

    def tell(self) -> None:
        """Print the stages, and write them down."""
        FIGURES.parent.mkdir(exist_ok=True)
        FIGURES.write_text(json.dumps(self.seconds, indent=2) + "\n")
        for name, seconds in self.seconds.items():
            logger.info("%6.1f s  %s", seconds, name)


@pytest.mark.extended  # tests/contract/chart shows what is installed, on an API server without nodes
def test_from_helm_install_to_the_first_order_and_back_to_nothing(
    fresh: Fresh, newest: Version, installation: Installation, helm: Helm
) -> None:
    stages, route = Stages(), Minimal(fresh, installation)
    hack("chart-package", "", newest.operator.rpartition(":")[2], within=300)

    with stages.stage("helm install --wait"):
        helm("install", *RELEASE, "--create-namespace", *WAIT)
    fresh.kubectl("label", "namespace", SYSTEM, RESTRICTED)  # which the upgrade's pods have to pass
    with stages.stage("kubectl apply of the route, until it is Ready"):
        route.apply(newest.worker)
        route.ready()
    with stages.stage("the client's publish of the first order"):
        route.publish("first")
    with stages.stage("until the order is done"):
        route.done("first")
    pods = route.pods()

    with stages.stage("helm upgrade --wait with another value"):
        helm("upgrade", *RELEASE, "--reuse-values", "--set", "settings.resyncSeconds=60", *WAIT)
    assert "MR_OPERATOR_RESYNC_SECONDS" in fresh.kubectl("-n", SYSTEM, "get", "deployments", "-o", "yaml")
    _works(route, "after-upgrade")
    assert route.pods() == pods, "an upgrade of the operator alone replaces no worker"

    with stages.stage("helm uninstall --wait"):
        helm("uninstall", "merchantroute", "--namespace", SYSTEM, *WAIT)
    remain = left(fresh)
    _works(route, "without-operator")
    assert route.pods() == pods
    assert set(remain) == {*definitions(), *GUARD, f"namespace/{SYSTEM}"}, remain
    with pytest.raises(AssertionError, match="every route would go with this definition"):
        fresh.kubectl("delete", "crd", *DEFINITIONS)

    with stages.stage("helm install --wait, over what was left"):
        helm("install", *RELEASE, *WAIT)
    route.ready()
    _works(route, "installed-again")
    assert route.pods() == pods
    with stages.stage("kubectl delete mr --all -A"):
        fresh.kubectl("delete", "mr", "--all", "-A", within=400)
    until(lambda: not route.pods(), "the workers' pods are gone", 120)
    helm("uninstall", "merchantroute", "--namespace", SYSTEM, *WAIT)
    fresh.kubectl("annotate", "crd", *DEFINITIONS, ALLOWED)
    fresh.kubectl("delete", "crd", *DEFINITIONS)
    fresh.kubectl("delete", "namespace", SYSTEM)
    fresh.kubectl("delete", *GUARD)

    assert left(fresh) == []
    stages.tell()


def _works(route: Minimal, order: str) -> None:
    route.publish(order)
    route.done(order)
