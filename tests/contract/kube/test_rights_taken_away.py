"""Each right of the operator is needed: without it the call that needs it fails, and the words name what is missing."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

import kopf
import pytest
import yaml
from kubernetes import client
from kubernetes import config as kubernetes_config

from merchantroute_operator import handlers
from merchantroute_operator.errors import KubeForbidden
from merchantroute_operator.kube.client import KubeClient, connect
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.kube.lease import LEASE, lead
from merchantroute_operator.kube.network.cluster_addresses import ClusterAddresses
from merchantroute_operator.naming import KIND
from merchantroute_operator.reconcile.reconciler import Reconciler
from merchantroute_operator.reconcile.state.broker_pool import BrokerPool
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.pulse_board import PulseBoard
from merchantroute_operator.settings import Settings
from tests.contract.kube.bodies import LABELS, config_map, deployment, secret
from tests.contract.kube.conftest import GROUP, MERCHANTS, PLURAL, Unwatched
from tests.contract.kube.test_cluster_addresses import POD_IP, endpoints, has_address, pod, service
from tests.contract.kube.test_lease import QUICK
from tests.contract.kube.users import kubeconfig_of
from tests.harness.cluster import Kubectl
from tests.harness.crds import established
from tests.unit.operator.fake_ports import MemoryBroker, OneBroker
from tests.unit.operator.route_samples import CLUSTER

RBAC = Path(__file__).parents[3] / "manifests" / "base" / "rbac.yaml"
CRDS = Path(__file__).parents[3] / "crds"
PATIENCE = 30.0  # seconds until the API server's authorizer has seen another role
OURS = "merchantroute.dev"

Right = tuple[str, str, str]  # API group, resource, verb


def rights() -> list[Right]:
    """Every verb that the operator's roles hold."""
    roles = [
        each
        for each in yaml.safe_load_all(RBAC.read_text())
        if each["kind"] in ("ClusterRole", "Role") and each["metadata"]["name"] == "merchantroute-operator"
    ]
    found = [
        (group, resource, verb)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]
    assert len(roles) == 2
    assert len(found) == len(set(found))
    return found


def own(right: Right) -> list[Right]:
    """The right, and the same on the tests' own group."""
    group, resource, verb = right
    if group != OURS:
        return [right]
    kind, _, sub = resource.partition("/")
    theirs = {"merchantroutes": PLURAL, "merchants": MERCHANTS}[kind] + (f"/{sub}" if sub else "")
    return [right, (GROUP, theirs, verb)]


class Operator:
    """A service account with the operator's rights but one."""

    def __init__(
        self, kubectl: Kubectl, namespace: str, kubeconfig: Path, authorizer: client.AuthorizationV1Api
    ) -> None:
        self.kubeconfig = kubeconfig
        self.namespace = namespace
        self._kubectl = kubectl
        self._authorizer = authorizer
        self._name = f"rights-{namespace}"
        subject = {"kind": "ServiceAccount", "name": "operator", "namespace": namespace}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": self._name}
        binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "roleRef": role}
        self._has(())
        self._apply({**binding, "metadata": {"name": self._name}, "subjects": [subject]})
        self._until(("", "secrets", "get"), allowed=False)

    def may_all_but(self, missing: Right | None) -> None:
        """Until the authorizer says so of the last right that changed."""
        kept = [each for right in rights() if right != missing for each in own(right)]
        self._has(kept)
        for each in own(missing) if missing else ():
            self._until(each, allowed=False)
        self._until(kept[-1], allowed=True)

    def remove(self) -> None:
        self._kubectl("delete", "clusterrole,clusterrolebinding", self._name)

    def _has(self, kept: Any) -> None:
        rules = [{"apiGroups": [group], "resources": [resource], "verbs": [verb]} for group, resource, verb in kept]
        head = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
        self._apply({**head, "metadata": {"name": self._name}, "rules": rules})

    def _apply(self, body: Object) -> None:
        self._kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(body))

    def _until(self, right: Right, *, allowed: bool) -> None:
        group, resource, verb = right
        resource, _, sub = resource.partition("/")
        what = client.V1ResourceAttributes(
            verb=verb, group=group, resource=resource, subresource=sub, namespace=self.namespace
        )
        user = f"system:serviceaccount:{self.namespace}:operator"
        spec = client.V1SubjectAccessReviewSpec(user=user, resource_attributes=what)
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            review = self._authorizer.create_subject_access_review(client.V1SubjectAccessReview(spec=spec))
            if bool(review.status and review.status.allowed) is allowed:
                return
        raise AssertionError(f"{right} is not {allowed} within {PATIENCE} s")


@pytest.fixture(scope="module")
def place(kubectl: Kubectl) -> Iterator[str]:
    """A namespace for all tests of the module, where pods of every kind may be made."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def operator(
    cluster: Path,
    kubectl: Kubectl,
    place: str,
    definition: str,
    merchants_definition: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Operator]:
    """The account, and what its calls are about."""
    api = kubernetes_config.new_client_from_config(str(cluster))
    kubeconfig = kubeconfig_of(cluster, kubectl, place, "operator", tmp_path_factory.mktemp("operator"))
    found = Operator(kubectl, place, kubeconfig, client.AuthorizationV1Api(api))
    yield found
    found.remove()


@dataclass
class Call:
    """What a probe has: the operator's port, and the administrator's."""

    kube: KubeClient
    admin: KubeClient
    kubectl: Kubectl
    namespace: str

    @property
    def addresses(self) -> ClusterAddresses:
        return ClusterAddresses(self.kube.api)

    def apply(self, *bodies: Object) -> None:
        everything = {"apiVersion": "v1", "kind": "List", "items": list(bodies)}
        self.kubectl("-n", self.namespace, "apply", "--server-side", "-f", "-", stdin=json.dumps(everything))

    async def route(self) -> Object:
        self.apply(a_route())
        found = await self.admin.route(self.namespace, "pos")
        assert found is not None
        return found


def a_route() -> Object:
    spec = {
        "broker": {"secretRef": {"name": "rabbitmq"}},
        "worker": {"image": "no-such-image.invalid/worker:1"},
        "defaultTier": "standard",
        "tiers": [{"name": "standard", "scaling": {"minReplicas": 1, "maxReplicas": 2}}],
        "merchants": [{"id": "hut", "tier": "standard", "endpoint": "https://hut.example"}],
    }
    return {"apiVersion": f"{GROUP}/v1alpha1", "kind": KIND, "metadata": {"name": "pos"}, "spec": spec}


def child(kind: str, namespace: str, name: str) -> Object:
    """A child of the route, of the kind."""
    if kind == "Deployment":
        return deployment(namespace, name=name)
    if kind in ("ConfigMap", "Secret"):
        return config_map(namespace, {"a": name}, name) if kind == "ConfigMap" else secret(namespace, name, LABELS)
    group, spec = {
        "ServiceAccount": ("v1", {}),
        "NetworkPolicy": ("networking.k8s.io/v1", {"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}),
        "PodDisruptionBudget": ("policy/v1", {"spec": {"maxUnavailable": 1}}),
        "PodMonitor": ("monitoring.coreos.com/v1", {"spec": {"any": "thing"}}),
    }[kind]
    metadata = {"name": name, "namespace": namespace, "labels": LABELS}
    return {"apiVersion": group, "kind": kind, "metadata": metadata, **spec}


CHILDREN = {
    ("apps", "deployments"): "Deployment",
    ("", "configmaps"): "ConfigMap",
    ("", "secrets"): "Secret",
    ("", "serviceaccounts"): "ServiceAccount",
    ("networking.k8s.io", "networkpolicies"): "NetworkPolicy",
    ("policy", "poddisruptionbudgets"): "PodDisruptionBudget",
    ("monitoring.coreos.com", "podmonitors"): "PodMonitor",
}
Probe = Callable[[Call], Awaitable[object]]


async def list_children(call: Call) -> None:
    await call.kube.children(call.namespace, "pos")


async def read_merchant_status(call: Call) -> None:
    spec = {"routeRef": {"name": "pos"}, "tier": "standard", "endpoint": "https://taco.example"}
    call.apply({"apiVersion": f"{GROUP}/v1alpha1", "kind": "Merchant", "metadata": {"name": "taco"}, "spec": spec})
    found = await call.admin.merchants(call.namespace)
    assert found
    status = {"observedGeneration": 1, "state": "Active", "since": "2026-01-01T00:00:00Z", "reason": "AsWanted"}
    version = int(found[0]["metadata"]["resourceVersion"])
    await call.kube.write_merchant_status(call.namespace, "taco", version, status)


async def finalize(call: Call) -> None:
    await call.kube.set_finalizers(await call.route(), [])


async def tell_route(call: Call) -> None:
    await call.route()
    await call.kube.write_status(call.namespace, "pos", {"observedGeneration": 1})


async def scale(call: Call) -> None:
    await call.admin.apply({**deployment(call.namespace, name="scaled")})
    await call.kube.scale(call.namespace, "scaled", 0)


async def annotate(call: Call) -> None:
    call.apply(pod())
    await call.kube.annotate_pods(call.namespace, ["rabbit-0"], {"merchantroute.dev/a": "b"})


async def judge_headless(call: Call) -> None:
    call.apply(service("nodes", clusterIP="None"), pod(), endpoints("nodes", "rabbit-0"))
    has_address(call.kubectl, call.namespace)
    assert await call.addresses.is_of_service(call.namespace, "nodes", ip_address(POD_IP))


async def judge(call: Call) -> None:
    await call.addresses.is_of_service(call.namespace, "rabbit", ip_address(POD_IP))


async def judge_public(call: Call) -> None:
    await call.addresses.hosts()


def creates(kind: str) -> Probe:
    async def probe(call: Call) -> None:
        await call.kube.apply(child(kind, call.namespace, f"new-{uuid.uuid4().hex[:6]}"))

    return probe


def corrects(kind: str) -> Probe:
    async def probe(call: Call) -> None:
        body = child(kind, call.namespace, "there")
        await call.admin.apply(body)
        changed = {**body["metadata"], "annotations": {"merchantroute.dev/a": uuid.uuid4().hex}}
        await call.kube.apply({**body, "metadata": changed})

    return probe


def deletes(kind: str) -> Probe:
    async def probe(call: Call) -> None:
        await call.admin.apply(child(kind, call.namespace, "going"))
        await call.kube.delete(cast(Any, kind), call.namespace, "going")

    return probe


PROBES: dict[Right, Probe] = {
    (OURS, "merchantroutes", "get"): lambda call: call.kube.route(call.namespace, "pos"),
    (OURS, "merchantroutes", "patch"): finalize,
    (OURS, "merchantroutes/status", "patch"): tell_route,
    (OURS, "merchants", "list"): lambda call: call.kube.merchants(call.namespace),
    (OURS, "merchants/status", "patch"): read_merchant_status,
    ("apps", "deployments/scale", "patch"): scale,
    ("", "secrets", "get"): lambda call: call.kube.secret(call.namespace, "rabbitmq"),
    ("", "pods", "get"): judge_headless,
    ("", "pods", "list"): list_children,
    ("", "pods", "patch"): annotate,
    ("autoscaling", "horizontalpodautoscalers", "list"): lambda call: call.kube.autoscalers(call.namespace),
    ("keda.sh", "scaledobjects", "list"): lambda call: call.kube.autoscalers(call.namespace),
    ("", "namespaces", "get"): lambda call: call.kube.cluster_id(),
    ("", "services", "get"): judge,
    ("discovery.k8s.io", "endpointslices", "list"): judge_headless,
    ("", "nodes", "list"): judge_public,
    **{(group, resource, "list"): list_children for group, resource in CHILDREN},
    **{(group, resource, "create"): creates(kind) for (group, resource), kind in CHILDREN.items()},
    **{(group, resource, "patch"): corrects(kind) for (group, resource), kind in CHILDREN.items()},
    **{(group, resource, "delete"): deletes(kind) for (group, resource), kind in CHILDREN.items()},
}
LEASES = [("coordination.k8s.io", "leases", verb) for verb in ("create", "get", "update", "patch")]
EVENTS = [("", "events", "create"), ("", "events", "patch")]
# kopf lists before it watches. It lists the kinds that it has a port of its own for as well, which the probes show.
DEFINITIONS = [("apiextensions.k8s.io", "customresourcedefinitions", verb) for verb in ("list", "watch")]
WATCHED = [
    *(right for right in rights() if right[2] == "watch" and right not in DEFINITIONS),
    (OURS, "merchantroutes", "list"),
]
# What a first pass over a route meets: its Ready condition tells of it.
FIRST_PASS = [
    (OURS, "merchantroutes", "patch"),
    (OURS, "merchants", "list"),
    ("", "secrets", "get"),
    ("", "pods", "list"),
    *((group, resource, "list") for group, resource in CHILDREN),
    *((group, resource, "create") for group, resource in CHILDREN if resource not in ("secrets", "podmonitors")),
]


def words(right: Right) -> str:
    """What the API server says without it."""
    _, resource, verb = own(right)[-1]
    return f'cannot {verb} resource "{resource}"'


def shown(right: Right) -> str:
    return " ".join(filter(None, right)).replace("/", ".")


@pytest.fixture(scope="module")
def pod_monitors(kubectl: Kubectl) -> Iterator[None]:
    """The kind by name only: what is in it is another test's matter."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"kind": "PodMonitor", "plural": "podmonitors", "singular": "podmonitor"}
    spec = {"group": "monitoring.coreos.com", "scope": "Namespaced", "names": names, "versions": [version]}
    name = "podmonitors.monitoring.coreos.com"
    head = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps({**head, "metadata": {"name": name}, "spec": spec}))
    established(kubectl, name, kind="PodMonitor")
    yield
    kubectl("delete", f"crd/{name}", "--wait=true", "--timeout=90s")


@pytest.fixture
async def call(
    cluster: Path, kubectl: Kubectl, operator: Operator, place: str, pod_monitors: None
) -> AsyncIterator[Call]:
    """The two ports, open."""
    async with connect(str(operator.kubeconfig)) as kube, connect(str(cluster)) as admin:
        yield Call(KubeClient(Unwatched(kube.api.client)), KubeClient(Unwatched(admin.api.client)), kubectl, place)


def test_every_right_is_taken_away_by_some_test() -> None:
    assert set(rights()) == {*PROBES, *LEASES, *EVENTS, *DEFINITIONS, *WATCHED}


async def test_with_all_rights_nothing_fails(call: Call, operator: Operator) -> None:
    operator.may_all_but(None)
    for probe in dict.fromkeys(PROBES.values()):
        await probe(call)


@pytest.mark.parametrize("right", PROBES, ids=shown)
async def test_without_it_the_call_that_needs_it_says_which_is_missing(
    call: Call, operator: Operator, right: Right
) -> None:
    operator.may_all_but(right)
    with pytest.raises(KubeForbidden) as caught:
        await PROBES[right](call)
    assert words(right) in str(caught.value)


@pytest.mark.parametrize("right", FIRST_PASS, ids=shown)
async def test_what_a_pass_lacks_stands_in_the_routes_ready_condition(
    call: Call, operator: Operator, right: Right
) -> None:
    operator.may_all_but(right)
    call.kubectl("-n", call.namespace, "delete", PLURAL, "--all", "--wait=false")
    await forgotten(call)
    call.apply(secret(call.namespace, "rabbitmq", host="rabbit", port="5672", username="u", password="p4ss"))
    await call.route()
    reconciler = Reconciler(
        Context(
            kube=call.kube,
            brokers=cast(BrokerPool, OneBroker(MemoryBroker([]))),
            pulses=PulseBoard(time.monotonic),
            cluster=CLUSTER,
            resync=25.0,
            monotonic=time.monotonic,
            wall=time.time,
        )
    )
    key = (call.namespace, "pos")
    for _ in range(4):  # the finalizer, the queues, the children
        reconciler.touch(key)
        await reconciler.reconcile(key)
    stored = await call.admin.route(*key)
    assert stored is not None
    ready = next(each for each in stored["status"]["conditions"] if each["type"] == "Ready")
    assert ready["status"] == "False"
    assert words(right) in ready["message"]


async def forgotten(call: Call) -> None:
    """What an earlier test's route made is gone, and so is that route."""
    kinds = "deployments,configmaps,serviceaccounts,networkpolicies,poddisruptionbudgets,secrets"
    call.kubectl("-n", call.namespace, "delete", kinds, "-l", "merchantroute.dev/route=pos", "--wait=true")
    if (route := await call.admin.route(call.namespace, "pos")) is not None:
        await call.admin.set_finalizers(route, [])


@pytest.mark.parametrize("right", EVENTS, ids=shown)
async def test_an_event_that_is_not_taken_is_logged(
    call: Call, operator: Operator, right: Right, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    operator.may_all_but(right)
    route = await call.route()
    for _ in range(2):
        await call.kube.event(route, "Normal", "Testing", "the same words")
    assert words(right) in caplog.text


@pytest.mark.parametrize("right", LEASES, ids=shown)
async def test_a_lease_that_cannot_be_had_is_logged(
    call: Call, operator: Operator, right: Right, caplog: pytest.LogCaptureFixture
) -> None:
    call.kubectl("-n", call.namespace, "delete", "lease", LEASE, "--ignore-not-found")
    operator.may_all_but(right)
    settings = replace(Settings.from_env({}), namespace=call.namespace, identity="first")

    async def renewed_for_a_while() -> None:
        async with asyncio.timeout(QUICK.retry * 3):
            await asyncio.Event().wait()

    leading = asyncio.create_task(lead(call.kube, settings, renewed_for_a_while, terms=QUICK))
    async with asyncio.timeout(30):
        while words(right) not in caplog.text:
            await asyncio.sleep(0.05)
    leading.cancel()
    await asyncio.gather(leading, return_exceptions=True)


class Nobody:
    """Hears of events, and does nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_arguments, **_named: None


@pytest.mark.parametrize("right", [*WATCHED, *DEFINITIONS], ids=shown)
async def test_a_watch_that_cannot_be_had_is_logged(
    operator: Operator,
    real_definitions: None,
    right: Right,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(operator.kubeconfig))
    operator.may_all_but(right)
    said = (
        "Not enough permissions to watch for resources"
        if right in DEFINITIONS
        else f'cannot {right[2]} resource "{right[1]}"'
    )
    registry = handlers.registry(cast(handlers.Watcher, Nobody()))
    watching = asyncio.create_task(kopf.operator(registry=registry, standalone=True, clusterwide=True))
    async with asyncio.timeout(30):
        while said not in caplog.text:
            await asyncio.sleep(0.05)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


@pytest.fixture(scope="module")
def real_definitions(kubectl: Kubectl) -> None:
    """The definitions under their own group, which kopf asks for."""
    kubectl("apply", "--server-side", "--force-conflicts", "-k", str(CRDS))
    established(kubectl, "merchantroutes.merchantroute.dev")
    established(kubectl, "merchants.merchantroute.dev", kind="Merchant")
