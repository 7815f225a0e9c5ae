import json
from typing import Any

import pytest

from tests.contract.crd.routes import Json, route
from tests.harness.cluster import Kubectl

NOW = "2026-01-01T00:00:00Z"
CONDITION = {"type": "Ready", "status": "False", "reason": "BrokerUnreachable", "lastTransitionTime": NOW}
STATUS = {
    "observedGeneration": 1,
    "configGeneration": 4,
    "conditions": [{**CONDITION, "message": "rabbitmq:5672 refuses connections", "observedGeneration": 1}],
    "lanes": [
        {
            "tier": "standard",
            "lane": "stable",
            "queue": "mr.orders.pos.standard.stable",
            "queued": 12,
            "retrying": 3,
            "inFlight": 40,
            "arrivalRate": 20.5,
            "doneRate": 19,
            "orderTime": 0.25,
            "replicas": 1,
            "desiredReplicas": 2,
            "reason": "12 orders are queued",
            "configGeneration": 4,
        }
    ],
    "totals": {
        "queued": 12,
        "retrying": 3,
        "inFlight": 40,
        "dead": 5,
        "replicas": 1,
        "desiredReplicas": 2,
        "merchants": 14,
    },
}


@pytest.fixture
def stored(namespace: str, definition: str, kubectl: Kubectl) -> str:
    """The namespace of a stored route named pos that no operator has seen."""
    document = route()
    document["metadata"]["namespace"] = namespace
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(document))
    return namespace


def write_status(kubectl: Kubectl, namespace: str, status: Json) -> Any:
    """Write as the operator does, and read back."""
    head = {"apiVersion": "merchantroute.dev/v1alpha1", "kind": "MerchantRoute"}
    body = {**head, "metadata": {"name": "pos", "namespace": namespace}, "status": status}
    kubectl("apply", "--server-side", "--subresource=status", "--field-manager=test", "-f", "-", stdin=json.dumps(body))
    return json.loads(kubectl("get", "mr", "pos", "-n", namespace, "-o", "json"))["status"]


def test_a_fresh_route_never_looks_current(stored: str, kubectl: Kubectl) -> None:
    found = json.loads(kubectl("get", "mr", "pos", "-n", stored, "-o", "json"))
    assert found["status"] == {"observedGeneration": -1}


def test_the_whole_status_is_kept_as_written(stored: str, kubectl: Kubectl) -> None:
    assert write_status(kubectl, stored, STATUS) == STATUS


def test_a_spec_does_not_change_with_its_status(stored: str, kubectl: Kubectl) -> None:
    write_status(kubectl, stored, STATUS)
    assert json.loads(kubectl("get", "mr", "pos", "-n", stored, "-o", "json"))["metadata"]["generation"] == 1


def test_kubectl_get_answers_whether_the_route_is_healthy(stored: str, kubectl: Kubectl) -> None:
    write_status(kubectl, stored, STATUS)
    head, row = (" ".join(line.split()) for line in kubectl("get", "mroute", "-n", stored).splitlines())
    assert head == "NAME READY REASON QUEUED RETRYING IN-FLIGHT DEAD PODS WANTED AGE"
    assert row.startswith("pos False BrokerUnreachable 12 3 40 5 1 2 ")
    head, row = kubectl("get", "merchantroute", "-n", stored, "-o", "wide").splitlines()
    assert "MERCHANTS" in head
    assert "rabbitmq:5672 refuses connections" in row
