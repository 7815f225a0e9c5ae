"""A Service's addresses, and those of nodes and of the API server, as a real API server tells them."""

import json
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from merchantroute_operator.errors import KubeForbidden
from merchantroute_operator.kube.client import connect
from merchantroute_operator.kube.network.cluster_addresses import HOSTS_LAST, SERVICE_LASTS, ClusterAddresses
from tests.contract.kube.users import kubeconfig_of
from tests.harness.cluster import Kubectl

Json = dict[str, Any]
POD_IP = "10.244.7.9"


@pytest.fixture
def apply(kubectl: Kubectl, namespace: str) -> Callable[..., None]:
    """Create objects in the test's namespace."""

    def create(*bodies: Json) -> None:
        kubectl(
            "apply", "-n", namespace, "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})
        )

    return create


def service(name: str, **spec: Any) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [{"port": 5672}], "selector": {"app": "rabbit"}, **spec},
    }


def pod(*, host_network: bool = False) -> Json:
    """One that no node takes, so that its status is what the test writes."""
    container = {"name": "c", "image": "rabbit:1"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "rabbit-0"},
        "spec": {"containers": [container], "nodeSelector": {"no": "such"}, "hostNetwork": host_network},
    }


def endpoints(of: str, pod_name: str, address: str = POD_IP) -> Json:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{of}-test", "labels": {"kubernetes.io/service-name": of}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "targetRef": {"kind": "Pod", "name": pod_name}}],
        "ports": [],
    }


def has_address(kubectl: Kubectl, namespace: str) -> None:
    status = {"status": {"podIP": POD_IP, "podIPs": [{"ip": POD_IP}]}}
    kubectl("-n", namespace, "patch", "pod/rabbit-0", "--subresource=status", "--type=merge", "-p", json.dumps(status))


def own_address(kubectl: Kubectl, namespace: str, name: str) -> str:
    return kubectl("-n", namespace, "get", f"service/{name}", "-o", "jsonpath={.spec.clusterIP}")


async def test_a_services_own_address_is_its_and_no_other(
    cluster: Path, kubectl: Kubectl, namespace: str, apply: Callable[..., None]
) -> None:
    apply(service("rabbit"))
    address = ip_address(own_address(kubectl, namespace, "rabbit"))
    async with connect(str(cluster)) as kube:
        known = ClusterAddresses(kube.api)
        assert await known.is_of_service(namespace, "rabbit", address)
        assert not await known.is_of_service(namespace, "rabbit", ip_address("10.1.2.3"))
        assert not await known.is_of_service(namespace, "nobody", address)
        assert not await known.is_of_service("no-such-namespace", "rabbit", address)


async def test_a_service_without_a_selector_counts_as_none_the_api_servers_too(
    cluster: Path, kubectl: Kubectl, namespace: str, apply: Callable[..., None]
) -> None:
    by_hand = service("by-hand")
    del by_hand["spec"]["selector"]
    elsewhere = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "elsewhere"}}
    apply(by_hand, {**elsewhere, "spec": {"type": "ExternalName", "externalName": "example.com"}})
    async with connect(str(cluster)) as kube:
        known = ClusterAddresses(kube.api)
        for place, name in ((namespace, "by-hand"), ("default", "kubernetes")):
            assert not await known.is_of_service(place, name, ip_address(own_address(kubectl, place, name)))
        assert not await known.is_of_service(namespace, "elsewhere", ip_address("10.1.2.3"))


async def test_behind_a_headless_service_a_pods_own_address_counts(
    cluster: Path, kubectl: Kubectl, namespace: str, apply: Callable[..., None]
) -> None:
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=privileged", "--overwrite")
    apply(service("nodes", clusterIP="None"), pod(), endpoints("nodes", "rabbit-0"))
    async with connect(str(cluster)) as kube:
        known = ClusterAddresses(kube.api)
        assert not await known.is_of_service(namespace, "nodes", ip_address(POD_IP))  # the pod does not have it
        has_address(kubectl, namespace)
        assert await known.is_of_service(namespace, "nodes", ip_address(POD_IP))


async def test_a_pod_in_its_nodes_network_and_one_that_is_not_there_count_for_nothing(
    cluster: Path, kubectl: Kubectl, namespace: str, apply: Callable[..., None]
) -> None:
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=privileged", "--overwrite")
    apply(service("nodes", clusterIP="None"), pod(host_network=True), endpoints("nodes", "rabbit-0"))
    apply(service("ghosts", clusterIP="None"), endpoints("ghosts", "nobody"))
    has_address(kubectl, namespace)
    async with connect(str(cluster)) as kube:
        known = ClusterAddresses(kube.api)
        assert not await known.is_of_service(namespace, "nodes", ip_address(POD_IP))
        assert not await known.is_of_service(namespace, "ghosts", ip_address(POD_IP))


async def test_the_nodes_and_the_api_servers_addresses_are_known(cluster: Path, kubectl: Kubectl) -> None:
    internal = '{.items[*].status.addresses[?(@.type=="InternalIP")].address}'
    nodes = kubectl("get", "nodes", "-o", f"jsonpath={internal}").split()
    slices = kubectl("get", "endpointslices", "-l", "kubernetes.io/service-name=kubernetes", "-o", "json")
    servers = [ip for each in json.loads(slices)["items"] for one in each["endpoints"] for ip in one["addresses"]]
    async with connect(str(cluster)) as kube:
        hosts = await ClusterAddresses(kube.api, environment={"KUBERNETES_SERVICE_HOST": "10.96.0.1"}).hosts()
    assert nodes
    assert servers
    assert {ip_address(each) for each in (*nodes, *servers, "10.96.0.1")} <= hosts


async def test_what_was_read_serves_for_a_while(cluster: Path, kubectl: Kubectl, namespace: str) -> None:
    kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(service("rabbit")))
    address = ip_address(own_address(kubectl, namespace, "rabbit"))
    calls: list[str] = []
    now = 100.0
    async with connect(str(cluster), lambda _method, kind, _seconds, _well: calls.append(kind)) as kube:
        known = ClusterAddresses(kube.api, clock=lambda: now)
        for _ in range(3):
            assert await known.is_of_service(namespace, "rabbit", address)
            await known.hosts()
        assert calls == ["Service", "Node", "EndpointSlice"]
        now += max(SERVICE_LASTS, HOSTS_LAST)
        await known.is_of_service(namespace, "rabbit", address)
        await known.hosts()
        assert calls == ["Service", "Node", "EndpointSlice"] * 2


async def test_a_missing_right_is_told_in_the_api_servers_words(
    cluster: Path, kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    async with connect(str(kubeconfig_of(cluster, kubectl, namespace, "nobody", tmp_path))) as nobody:
        known = ClusterAddresses(nobody.api)
        with pytest.raises(KubeForbidden, match='cannot get resource "services"'):
            await known.is_of_service(namespace, "rabbit", ip_address("10.1.2.3"))
        with pytest.raises(KubeForbidden, match='cannot list resource "nodes"'):
            await known.hosts()
