"""A cluster with IPv6 addresses alone, and one with both kinds: orders flow as in one with IPv4, and nothing else does.

Each has a cluster of its own. Its network plugin is a bridge, which enforces no NetworkPolicy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from ipaddress import ip_address
from typing import Any

import pytest

from merchantroute_kit.waiting import until
from merchantroute_kit.wire.hosts import in_url
from tests.e2e import tenant as places
from tests.e2e import web_shop as shops
from tests.e2e.installation import Installation, opened
from tests.e2e.installing import fresh as clusters
from tests.e2e.installing.fresh import LABEL, SYSTEM, Fresh
from tests.e2e.installing.versions import Version, built
from tests.e2e.routes import merchant, route, tier
from tests.e2e.tenant import Tenant
from tests.harness.terminal import aloud

VERSIONS = {"ipv6": {6}, "dual": {4, 6}}
METRICS = 9090


@pytest.fixture(params=[pytest.param(each, id=each) for each in VERSIONS])
def family(request: pytest.FixtureRequest) -> str:
    """Kind's word for a cluster's addresses."""
    return str(request.param)


@pytest.fixture
def version(pytestconfig: pytest.Config) -> Version:
    """The images of this checkout."""
    with aloud(pytestconfig):
        return built()


@pytest.fixture
def cluster(family: str, version: Version, pytestconfig: pytest.Config) -> Iterator[Fresh]:
    """A cluster of that family with the operator in it."""
    with ExitStack() as stack:
        with aloud(pytestconfig):
            made = stack.enter_context(clusters.made(f"{clusters.NAME}-{family}", family=family, overlay="ipv6"))
            made.load(version)
            made.install(version)
        yield made


@pytest.fixture
def tenant(cluster: Fresh) -> Iterator[Tenant]:
    """A namespace and a virtual host in it."""
    with opened(cluster.kubeconfig, cluster.kubectl) as installation, places.made(installation) as made:
        yield made


@pytest.mark.extended  # on IPv4: test_isolation.py, test_scaling.py; broker, merchants and probes at ::1: tests/unit
def test_orders_are_done_each_once(family: str, version: Version, cluster: Fresh, tenant: Tenant) -> None:
    installation = tenant.installation
    ids = [item["status"]["podIPs"] for item in pods(installation, "merchants")]
    assert {ip_address(each["ip"]).version for each in ids[0]} == VERSIONS[family]
    (service,) = installation.items("api/v1/namespaces/merchants/services?fieldSelector=metadata.name=merchant-sim")
    literal = next(each for each in service["spec"]["clusterIPs"] if ":" in each)
    merchants = [
        merchant("hung", "standard"),
        merchant("well", "standard"),
        merchant("literal", "standard", endpoint=f"http://{in_url(literal)}:8080/m/literal"),
    ]
    from_zero = tier("standard", minReplicas=0, maxReplicas=2, scaleDownAfter="10s")
    tenant.apply(route("pos", tiers=[from_zero], merchants=merchants, worker={"image": version.worker}))
    tenant.ready("pos", within=180)
    assert tenant.pods("pos") == []

    with shops.opened(tenant, "pos") as till:
        till.behave("hung", behaviour="hang")
        orders = till.publish("well", 150) | till.publish("literal", 50)
        till.publish("hung", 30)
        until(partial(till.are_done, orders), "the others' orders are done", 180, partial(tenant.tell, "pos"))
        until(partial(has_own_queue, tenant, "hung"), "the hung one has its own", 120, partial(tenant.tell, "pos"))
        looks_at_pods_and_connections(family, tenant)
        till.behave("hung")
        ledger = till.settled(240)
        assert ledger.done == ledger.published
        assert (ledger.lost, ledger.doubled, ledger.copies) == (0, set(), set())

    refuses_a_broker_on_the_node(family, version, tenant)


def looks_at_pods_and_connections(family: str, tenant: Tenant) -> None:
    """Metrics come from each pod's first address, and in a cluster of one kind all connections are of that kind."""
    installation = tenant.installation
    for namespace, found, shown in (
        (tenant.namespace, tenant.pods("pos"), "merchantroute_orders_total"),
        (SYSTEM, pods(installation, SYSTEM, LABEL), "merchantroute_leader"),
    ):
        for pod in found:
            path = f"api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}:{METRICS}/proxy/metrics"
            assert shown in (installation.text(path) or "")
    peers = {ip_address(each["peer_host"]).version for each in tenant.rabbit("GET", "connections?columns=peer_host")}
    assert peers <= VERSIONS[family]


def refuses_a_broker_on_the_node(family: str, version: Version, tenant: Tenant) -> None:
    """The node's own address of each kind is no broker's, nor is loopback."""
    (node,) = tenant.installation.items("api/v1/nodes")
    addresses = [each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP"]
    assert {ip_address(each).version for each in addresses} == VERSIONS[family]
    for number, address in enumerate((*addresses, "::1", "::ffff:127.0.0.1")):
        name = f"on-the-node-{number}"
        tenant.apply(tenant.secret(name, host=address, management_uri=f"http://{in_url(address)}:15672"))
        gone = {"policy": "Force", "timeout": "1s"}  # without its broker
        tenant.apply(route(name, secret=name, deletion=gone, worker={"image": version.worker}))
        refused = partial(is_refused, tenant, name)
        until(refused, f"{address} is refused", 60, partial(tenant.tell, name))
        tenant.kubectl("delete", "mr", name, "--wait=false")


def is_refused(tenant: Tenant, name: str) -> bool:
    """Whether the route may not have its broker by the operator's configuration."""
    return tenant.condition(name, "Ready").get("reason") == "BrokerNotAllowed"


def has_own_queue(tenant: Tenant, merchant_id: str) -> bool:
    """Whether the merchant's orders are led to a queue of its own."""
    found = (tenant.route("pos") or {}).get("status", {}).get("ownQueues", [])
    return any(one["merchant"] == merchant_id and one["stage"] == "Open" for one in found)


def pods(installation: Installation, namespace: str, selector: str = "") -> list[dict[str, Any]]:
    """The pods of a namespace."""
    return installation.items(f"api/v1/namespaces/{namespace}/pods?labelSelector={selector}")
