import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kubernetes import client

from tests.harness.cluster import Kubectl

BASE = Path(__file__).parents[3] / "manifests" / "base"
OPERATOR = "system:serviceaccount:merchantroute-system:merchantroute-operator"
OURS = "merchantroute-system"
PATIENCE = 10.0  # seconds until the API server's authorizer has seen new roles

May = Callable[..., bool]

ALLOWED = [
    ("get list watch patch", "merchantroute.dev", "merchantroutes", ""),
    ("patch", "merchantroute.dev", "merchantroutes", "status"),
    ("list watch create patch delete", "apps", "deployments", ""),
    ("patch", "apps", "deployments", "scale"),
    ("list watch create patch delete", "", "configmaps", ""),
    ("get list watch create patch delete", "", "secrets", ""),
    ("list watch patch", "", "pods", ""),
    ("list watch create patch delete", "networking.k8s.io", "networkpolicies", ""),
    ("list watch create patch delete", "policy", "poddisruptionbudgets", ""),
    ("list watch create patch delete", "", "serviceaccounts", ""),
    ("list create patch delete", "monitoring.coreos.com", "podmonitors", ""),
    ("list", "autoscaling", "horizontalpodautoscalers", ""),
    ("list", "keda.sh", "scaledobjects", ""),
    ("get", "", "namespaces", ""),
    ("create patch", "", "events", ""),
    ("list watch", "apiextensions.k8s.io", "customresourcedefinitions", ""),
]
REFUSED = [
    ("create update delete", "merchantroute.dev", "merchantroutes", ""),
    ("create patch delete", "autoscaling", "horizontalpodautoscalers", ""),
    ("create delete", "", "pods", ""),
    ("create", "", "pods", "exec"),
    ("list create update patch delete", "", "namespaces", ""),
    ("deletecollection", "", "secrets", ""),
    ("get update", "", "serviceaccounts", ""),
    ("create", "", "serviceaccounts", "token"),
    ("create patch bind escalate", "rbac.authorization.k8s.io", "clusterroles", ""),
    ("create patch", "rbac.authorization.k8s.io", "rolebindings", ""),
    ("create patch delete", "apiextensions.k8s.io", "customresourcedefinitions", ""),
    ("get list", "", "nodes", ""),
]


@pytest.fixture(scope="session")
def may(definition: str, kubectl: Kubectl, custom_objects: client.CustomObjectsApi) -> May:
    """Whether a user may do something in a namespace, as the API server's authorizer says."""
    for name in ("namespace.yaml", "rbac.yaml"):
        kubectl("apply", "--server-side", "--force-conflicts", "-f", str(BASE / name))
    api = client.AuthorizationV1Api(custom_objects.api_client)

    def ask(verb: str, group: str, resource: str, sub: str, *, within: str = "orders", name: str = "") -> bool:
        what = client.V1ResourceAttributes(
            verb=verb, group=group, resource=resource, subresource=sub, namespace=within, name=name
        )
        spec = client.V1SubjectAccessReviewSpec(user=OPERATOR, resource_attributes=what)
        review = api.create_subject_access_review(client.V1SubjectAccessReview(spec=spec))
        return bool(review.status and review.status.allowed)

    give_up = time.monotonic() + PATIENCE
    while not (ask(*ROUTES) and ask(*LEASES, within=OURS)) and time.monotonic() < give_up:
        pass
    return ask


ROUTES = ("patch", "merchantroute.dev", "merchantroutes", "")
LEASES = ("create", "coordination.k8s.io", "leases", "")


@pytest.mark.parametrize("rule", ALLOWED, ids=" ".join)
def test_the_operator_may_do_its_work_in_every_namespace(may: May, rule: tuple[str, str, str, str]) -> None:
    assert [verb for verb in rule[0].split() if not may(verb, *rule[1:])] == []


@pytest.mark.parametrize("rule", REFUSED, ids=" ".join)
def test_the_operator_may_do_nothing_else(may: May, rule: tuple[str, str, str, str]) -> None:
    assert [verb for verb in rule[0].split() if may(verb, *rule[1:])] == []


def test_the_operator_may_write_its_own_lease_only(may: May) -> None:
    for verb in ("get", "update", "patch"):
        assert may(verb, *LEASES[1:], within=OURS, name="merchantroute-operator")
        assert not may(verb, *LEASES[1:], within=OURS, name="somebody-elses")
        assert not may(verb, *LEASES[1:], within="kube-system", name="merchantroute-operator")
    assert not may(*LEASES, within="kube-system")
