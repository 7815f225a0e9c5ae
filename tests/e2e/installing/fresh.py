"""A kind cluster of its own, with a broker and merchants and no operator: what every installation begins with."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from merchantroute_kit.servers.hack import ROOT, adopt_tools, hack
from tests.e2e.installing.versions import Version
from tests.harness.cluster import MAKING, Kubectl, kubectl_of

NAME = os.environ.get("MR_INSTALL_CLUSTER", "merchantroute-install")
OVERLAYS = ROOT / "manifests" / "overlays"
SURROUNDINGS = ("orders", "merchants")  # namespaces
SYSTEM = "merchantroute-system"
OPERATOR, LABEL = "deployment/merchantroute-operator", "app.kubernetes.io/name=merchantroute-operator"
DEFINITIONS = ("merchantroutes.merchantroute.dev", "merchants.merchantroute.dev")
BUILDING = 1500.0  # seconds; cold, wheels are downloaded
LOADING = 300.0
ROLLING = 300.0


@dataclass(frozen=True)
class Fresh:
    """The cluster, by its kubeconfig; RabbitMQ is in the namespace `orders`, merchant-sim in `merchants`."""

    name: str
    kubeconfig: Path
    kubectl: Kubectl

    def load(self, *versions: Version) -> None:
        """Bring the images of versions into the node."""
        images = [image for each in versions for image in (each.operator, each.worker)]
        hack("load-images", self.name, *images, within=LOADING)

    def install(self, version: Version) -> None:
        """`kubectl apply` of a version's manifests, until its operators run and no other one does."""
        self.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=version.manifests(self.kubectl))
        self.rolled_out()

    def rolled_out(self) -> None:
        """Wait until the operator runs as it is written now."""
        wait = f"--timeout={ROLLING:.0f}s"
        self.kubectl("-n", SYSTEM, "rollout", "status", OPERATOR, wait, within=ROLLING + 10)

    def operators(self) -> dict[str, str]:
        """The image of each of the operator's pods, those that are told to go included."""
        columns = "jsonpath={range .items[*]}{.metadata.name} {.spec.containers[0].image}{'\\n'}{end}"
        said = self.kubectl("-n", SYSTEM, "get", "pods", "-l", LABEL, "-o", columns)
        return {line.split()[0]: line.split()[1] for line in said.splitlines()}


@contextmanager
def made(name: str = NAME, *, family: str = "ipv4", overlay: str = "kind") -> Iterator[Fresh]:
    """Make the cluster, or use the one that is there; MR_KEEP=1 keeps it.

    `family` are the addresses of its pods and Services: ipv4, ipv6 or dual. Of `overlay` it gets what is not the
    operator's.
    """
    hack("docker-up", within=MAKING)
    adopt_tools()
    hack("cluster-up", name, within=MAKING, MR_IP_FAMILY=family)
    kubeconfig = ROOT / "build" / f"kubeconfig-{name}"
    try:
        hack("build-images", "rabbitmq", "merchant-sim", within=BUILDING)
        hack("load-images", name, "rabbitmq", "merchant-sim", within=LOADING)
        kubectl = kubectl_of(kubeconfig)
        _surroundings(kubeconfig, kubectl, overlay)
        yield Fresh(name, kubeconfig, kubectl)
    finally:
        if not os.environ.get("MR_KEEP"):
            hack("cluster-down", name, within=120)


def _surroundings(kubeconfig: Path, kubectl: Kubectl, overlay: str) -> None:
    """What a user has before the operator comes: a broker with its Secret, and merchants."""
    kubectl("apply", "--server-side", "-f", str(OVERLAYS / "kind" / "namespaces.yaml"))
    hack("broker-secret", within=60, KUBECONFIG=str(kubeconfig))
    everything = yaml.safe_load_all(kubectl("kustomize", str(OVERLAYS / overlay)))
    theirs = [each for each in everything if each["metadata"].get("namespace") in SURROUNDINGS]
    kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(theirs))
    for namespace, workload in (("orders", "statefulset/rabbitmq-pos"), ("merchants", "deployment/merchant-sim")):
        hack("rolled-out", namespace, workload, "180", within=200, KUBECONFIG=str(kubeconfig))
