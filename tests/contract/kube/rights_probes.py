"""For each right of the operator a call of its ports that needs it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, cast

from merchantroute_operator.kube.client import KubeClient
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.kube.network.cluster_addresses import ClusterAddresses
from merchantroute_operator.naming import KIND
from tests.contract.kube.bodies import LABELS, config_map, deployment, secret
from tests.contract.kube.conftest import GROUP
from tests.contract.kube.operators_rights import OURS, Right
from tests.contract.kube.test_cluster_addresses import POD_IP, endpoints, has_address, pod, service
from tests.harness.cluster import Kubectl


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
    group, spec = OTHERS[kind]
    metadata = {"name": name, "namespace": namespace, "labels": LABELS}
    return {"apiVersion": group, "kind": kind, "metadata": metadata, **spec}


OTHERS: dict[str, tuple[str, Object]] = {
    "ServiceAccount": ("v1", {}),
    "NetworkPolicy": ("networking.k8s.io/v1", {"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}),
    "PodDisruptionBudget": ("policy/v1", {"spec": {"maxUnavailable": 1}}),
    "PodMonitor": ("monitoring.coreos.com/v1", {"spec": {"any": "thing"}}),
}
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
    route = await call.route()
    await call.kube.write_status(route, {"observedGeneration": 1})


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
