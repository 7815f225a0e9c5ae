import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kubernetes import client

from tests.contract.crd.routes import route
from tests.contract.crd.test_merchant_objects import merchant
from tests.harness.cluster import Kubectl

BASE = Path(__file__).parents[3] / "manifests" / "base"
OPERATOR = "system:serviceaccount:merchantroute-system:merchantroute-operator"
OURS = "merchantroute-system"
PATIENCE = 10.0  # seconds until the API server's authorizer has seen new roles

May = Callable[..., bool]

ALLOWED = [
    ("get list watch patch", "merchantroute.dev", "merchantroutes", ""),
    ("patch", "merchantroute.dev", "merchantroutes", "status"),
    ("list watch", "merchantroute.dev", "merchants", ""),
    ("patch", "merchantroute.dev", "merchants", "status"),
    ("list watch create patch delete", "apps", "deployments", ""),
    ("patch", "apps", "deployments", "scale"),
    ("list watch create patch delete", "", "configmaps", ""),
    ("get list watch create patch delete", "", "secrets", ""),
    ("get list watch patch", "", "pods", ""),
    ("list watch create patch delete", "networking.k8s.io", "networkpolicies", ""),
    ("list watch create patch delete", "policy", "poddisruptionbudgets", ""),
    ("list watch create patch delete", "", "serviceaccounts", ""),
    ("list watch create patch delete", "monitoring.coreos.com", "podmonitors", ""),
    ("list watch", "autoscaling", "horizontalpodautoscalers", ""),
    ("list watch", "keda.sh", "scaledobjects", ""),
    ("get", "", "namespaces", ""),
    ("get", "", "services", ""),
    ("list", "discovery.k8s.io", "endpointslices", ""),
    ("list", "", "nodes", ""),
    ("create patch", "", "events", ""),
    ("list watch", "apiextensions.k8s.io", "customresourcedefinitions", ""),
]
REFUSED = [
    ("create update delete", "merchantroute.dev", "merchantroutes", ""),
    ("get create update patch delete", "merchantroute.dev", "merchants", ""),
    ("get update", "apps", "deployments", ""),
    ("get update", "apps", "deployments", "scale"),
    ("get update", "", "configmaps", ""),
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
    ("get watch patch", "", "nodes", ""),
    ("list create patch", "", "services", ""),
    ("create patch", "discovery.k8s.io", "endpointslices", ""),
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
    assert not may("update", *LEASES[1:], within=OURS, name="merchantroute-operator")
    for verb in ("get", "patch"):
        assert may(verb, *LEASES[1:], within=OURS, name="merchantroute-operator")
        assert not may(verb, *LEASES[1:], within=OURS, name="somebody-elses")
        assert not may(verb, *LEASES[1:], within="kube-system", name="merchantroute-operator")
    assert not may(*LEASES, within="kube-system")


@pytest.mark.parametrize(
    ("role", "resource", "verbs"),
    [
        ("view", "merchantroutes", "get list watch"),
        ("view", "merchants", "get list watch"),
        ("edit", "merchantroutes", "create update patch delete"),
        ("edit", "merchants", "create update patch delete"),
        ("admin", "merchantroutes", "create update patch delete"),
        ("admin", "merchants", "create update patch delete"),
        ("merchantroute-merchants-edit", "merchants", "create update patch delete"),
        ("merchantroute-merchants-view", "merchants", "get list watch"),
    ],
)
def test_a_role_of_the_namespace_reaches_both_kinds(
    may: May, namespace: str, kubectl: Kubectl, role: str, resource: str, verbs: str
) -> None:
    kubectl("create", "rolebinding", "one", f"--clusterrole={role}", "--user=ann", "-n", namespace)
    arguments = (resource + ".merchantroute.dev", "-n", namespace, "--as=ann")
    give_up = time.monotonic() + PATIENCE
    while True:
        refused = [v for v in verbs.split() if "yes" not in kubectl("auth", "can-i", v, *arguments, check=False)]
        if not refused or time.monotonic() > give_up:
            break
    assert refused == []


def test_a_team_that_keeps_its_merchants_keeps_nothing_else(may: May, namespace: str, kubectl: Kubectl) -> None:
    kubectl("create", "rolebinding", "one", "--clusterrole=merchantroute-merchants-edit", "--user=ann", "-n", namespace)
    for verb, what in (("patch", "merchantroutes.merchantroute.dev"), ("get", "secrets"), ("get", "pods")):
        assert "no" in kubectl("auth", "can-i", verb, what, "-n", namespace, "--as=ann", check=False)
    status = ("auth", "can-i", "patch", "merchants.merchantroute.dev", "--subresource=status", "-n", namespace)
    assert "no" in kubectl(*status, "--as=ann", check=False)


def test_a_team_writes_its_merchants_and_neither_the_route_nor_a_status(
    may: May, namespace: str, kubectl: Kubectl
) -> None:
    kubectl("create", "rolebinding", "one", "--clusterrole=merchantroute-merchants-edit", "--user=ann", "-n", namespace)
    as_ann = ("--as=ann", "-n", namespace)
    server_side = ("apply", "--server-side", "-f", "-", *as_ann)
    give_up = time.monotonic() + PATIENCE
    ask = ("auth", "can-i", "create", "merchants.merchantroute.dev", *as_ann)
    while "yes" not in kubectl(*ask, check=False) and time.monotonic() < give_up:
        pass

    kubectl(*server_side, stdin=json.dumps(merchant({}, namespace)))
    kubectl(*server_side, stdin=json.dumps(merchant({"spec.tier": "enterprise"}, namespace)))
    assert "burger-hut" in kubectl("get", "merchants", *as_ann)
    change = ("--type=merge", "-p", '{"status": {"state": "Active"}}')
    with pytest.raises(AssertionError, match=r'User "ann" cannot (get|patch) resource "merchants/status"'):
        kubectl("patch", "merchant", "burger-hut", "--subresource=status", *change, *as_ann)
    kubectl("delete", "merchant", "burger-hut", *as_ann)

    document = route({"metadata.namespace": namespace})
    with pytest.raises(AssertionError, match='User "ann" cannot patch resource "merchantroutes"'):
        kubectl(*server_side, stdin=json.dumps(document))
    with pytest.raises(AssertionError, match='User "ann" cannot list resource "merchantroutes"'):
        kubectl("get", "merchantroutes", *as_ann)
