import json
from dataclasses import dataclass
from typing import cast

import pytest

from tests.contract.crd.conftest import UNWATCHED
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
            "readyReplicas": 1,
            "desiredReplicas": 2,
            "reason": "12 orders are queued",
            "slowMerchants": 2,
            "pausedMerchants": 1,
            "configGeneration": 4,
        },
        {
            "tier": "suspect",
            "lane": "suspect",
            "queue": "mr.orders.pos.suspect",
            "queued": 1,
            "replicas": 0,
            "readyReplicas": 0,
            "desiredReplicas": 1,
            "reason": "Held at 1 pod",
            "message": "pod pos-suspect-1: ended 2 times, exit code 137: no message",
        },
    ],
    "ownQueues": [
        {
            "merchant": "burger-hut",
            "tier": "standard",
            "why": "Slow",
            "stage": "Open",
            "since": NOW,
            "share": 4,
            "hold": 60,
            "waiting": 812,
        },
        {
            "merchant": "taco",
            "tier": "standard",
            "why": "Limited",
            "stage": "Opening",
            "since": NOW,
            "share": 30,
            "rate": 0.5,
            "burst": 3,
            "hold": 30,
        },
    ],
    "totals": {
        "queued": 12,
        "retrying": 3,
        "inFlight": 40,
        "dead": 5,
        "replicas": 1,
        "readyReplicas": 1,
        "desiredReplicas": 2,
        "ownQueues": 2,
        "merchants": 14,
    },
}


@dataclass(frozen=True)
class Stored:
    """A stored route named pos that no operator has seen, and none will."""

    kubectl: Kubectl
    group: str
    namespace: str

    def get(self, *arguments: str) -> str:
        """``kubectl get`` of it."""
        return self.kubectl("get", UNWATCHED, "pos", "-n", self.namespace, *arguments)

    def read(self) -> Json:
        """It as JSON."""
        return cast(Json, json.loads(self.get("-o", "json")))

    def write(self, status: Json) -> None:
        """Write the status as the operator does."""
        body = route({"metadata.namespace": self.namespace, "apiVersion": f"{self.group}/v1alpha1"})
        body = {**body, "status": status}
        del body["spec"]
        arguments = ("--server-side", "--subresource=status", "--field-manager=merchantroute", "-f", "-")
        self.kubectl("apply", *arguments, stdin=json.dumps(body))


@pytest.fixture
def stored(namespace: str, unwatched: str, kubectl: Kubectl) -> Stored:
    document = route({"metadata.namespace": namespace, "apiVersion": f"{unwatched}/v1alpha1"})
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(document))
    return Stored(kubectl, unwatched, namespace)


def test_a_fresh_route_never_looks_current(stored: Stored) -> None:
    assert stored.read()["status"] == {"observedGeneration": -1}


def test_the_whole_status_is_kept_as_written_and_the_spec_does_not_change_with_it(stored: Stored) -> None:
    before = stored.read()
    stored.write(STATUS)
    after = stored.read()
    assert after["status"] == STATUS
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"] == 1


def test_kubectl_get_answers_whether_the_route_is_healthy(stored: Stored) -> None:
    stored.write(STATUS)
    head, row = (" ".join(line.split()) for line in stored.get().splitlines())
    assert head == "NAME READY REASON QUEUED RETRYING IN-FLIGHT DEAD PODS WANTED ISOLATED AGE"
    assert row.startswith("pos False BrokerUnreachable 12 3 40 5 1 2 2 ")
    wide, row = (" ".join(line.split()) for line in stored.get("-o", "wide").splitlines())
    assert "MERCHANTS" in wide
    assert "rabbitmq:5672 refuses connections" in row


@pytest.mark.parametrize("name", ["mr", "mroute", "merchantroute", "merchantroutes"])
def test_kubectl_knows_the_resource_by_its_short_names(definition: str, kubectl: Kubectl, name: str) -> None:
    kubectl("get", name, "-n", "default")  # an unknown name fails
