"""Kinds that other operators bring, by their published definitions: what we write is valid, what we read is found."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from merchantroute_kit.servers.hack import hack
from merchantroute_operator.kube.client import KubeClient
from merchantroute_operator.kube.kube_port import Autoscaler
from merchantroute_operator.naming import LABEL_ROUTE
from merchantroute_operator.resources.pod_monitor import pod_monitor
from merchantroute_operator.spec.parse import parse
from tests.contract.kube.bodies import deployment
from tests.harness.cluster import Kubectl
from tests.harness.crds import established
from tests.unit.operator.route_samples import raw_route

FETCHING = 300.0  # seconds; a module of some megabytes, once
KEDA = ("github.com/kedacore/keda/v2", "2.21.0", "config/crd/bases/keda.sh_scaledobjects.yaml")
PROMETHEUS = (
    "github.com/prometheus-operator/prometheus-operator",
    "0.92.1",
    "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
)


@contextmanager
def defined(kubectl: Kubectl, source: tuple[str, str, str], name: str, kind: str) -> Iterator[None]:
    """The definition, as published; gone again afterwards, since other tests expect a cluster without it."""
    file = hack("definition", *source, within=FETCHING).strip()
    kubectl("apply", "--server-side", "--force-conflicts", "-f", file)
    established(kubectl, name, kind=kind)
    yield
    kubectl("delete", f"crd/{name}", "--wait=true", "--timeout=90s")


@pytest.fixture
def scaled_objects(kubectl: Kubectl) -> Iterator[None]:
    """KEDA's kind; nobody acts on it."""
    with defined(kubectl, KEDA, "scaledobjects.keda.sh", "ScaledObject"):
        yield


@pytest.fixture
def pod_monitors(kubectl: Kubectl) -> Iterator[None]:
    """The Prometheus operator's kind; nobody acts on it."""
    with defined(kubectl, PROMETHEUS, "podmonitors.monitoring.coreos.com", "PodMonitor"):
        yield


@pytest.mark.usefixtures("scaled_objects")
async def test_a_scaled_object_is_told_by_the_deployment_that_it_scales(
    kube: KubeClient, namespace: str, kubectl: Kubectl
) -> None:
    await kube.create_deployment(deployment(namespace), 0)
    trigger = {"type": "rabbitmq", "metadata": {"queueName": "mr.orders.pos.standard.stable", "mode": "QueueLength"}}
    theirs = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "theirs", "namespace": namespace},
        "spec": {"scaleTargetRef": {"name": "pos-lane"}, "triggers": [trigger]},
    }
    kubectl("create", "--validate=strict", "-f", "-", stdin=json.dumps(theirs))

    assert await kube.autoscalers(namespace) == [Autoscaler("ScaledObject", "theirs", "pos-lane")]


@pytest.mark.usefixtures("pod_monitors")
async def test_a_pod_monitor_is_valid_is_found_again_and_costs_no_second_write(
    kube: KubeClient, namespace: str, kubectl: Kubectl
) -> None:
    raw = raw_route()
    raw["metadata"]["namespace"] = namespace
    wanted = pod_monitor(parse(raw))
    kubectl("create", "--validate=strict", "--dry-run=server", "-f", "-", stdin=json.dumps(wanted))

    stored = await kube.apply(wanted)

    assert stored["spec"] == wanted["spec"]
    assert stored["metadata"]["labels"][LABEL_ROUTE] == "pos"
    (found,) = (await kube.children(namespace, "pos")).auxiliaries["PodMonitor"].values()
    assert found["metadata"]["name"] == wanted["metadata"]["name"]
    again = await kube.apply(wanted)
    assert again["metadata"]["resourceVersion"] == stored["metadata"]["resourceVersion"]
