"""The children beside Deployments and configuration: what they hold, when they come and when they go."""

from __future__ import annotations

from typing import Any

import pytest

from merchantroute_operator.naming import FINALIZER, deployment
from merchantroute_operator.resources.differ import differs
from merchantroute_operator.resources.network_policy import Address, network_policy
from merchantroute_operator.resources.workload.deployment import deployment as a_deployment
from merchantroute_operator.spec.parse import parse
from tests.unit.operator.merchant_samples import raw_merchant
from tests.unit.operator.operator_under_test import World, first
from tests.unit.operator.route_samples import CLUSTER, a_route, raw_route

ROUTE = {"merchantroute.dev/route": "pos"}


def lane_labels(tier: str, lane: str = "stable") -> dict[str, str]:
    return {**ROUTE, "merchantroute.dev/tier": tier, "merchantroute.dev/lane": lane}


def tier(name: str, most: int) -> dict[str, Any]:
    return {"name": name, "scaling": {"minReplicas": 0, "maxReplicas": most}}


def names(world: World, kind: str) -> set[str]:
    return {name for its_kind, name in world.kube.objects if its_kind == kind}


def standing(**spec: Any) -> World:
    world = World(raw_route(**spec))
    world.look()
    return world


def policy(brokers: tuple[Address, ...] = (), **spec: Any) -> dict[str, Any]:
    body = network_policy(a_route(**spec), brokers)
    assert body is not None
    found: dict[str, Any] = body["spec"]
    return found


def test_every_lane_has_an_account_without_a_token_before_it_has_pods() -> None:
    world = standing()
    lanes = {deployment("pos", t, "stable") for t in ("enterprise", "standard")} | {
        deployment("pos", "suspect", "suspect")
    }
    assert names(world, "ServiceAccount") == lanes == names(world, "Deployment")
    assert first(world.log, "apply ServiceAccount") < first(world.log, "create Deployment")
    for name in lanes:
        assert world.kube.objects["ServiceAccount", name]["automountServiceAccountToken"] is False
        pod = world.kube.objects["Deployment", name]["spec"]["template"]["spec"]
        assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == (name, False)


def test_only_a_lane_that_may_have_several_pods_has_a_budget_and_it_never_blocks_a_drain() -> None:
    world = standing(tiers=(tier("enterprise", 2), tier("standard", 1)))
    name = deployment("pos", "enterprise", "stable")
    assert names(world, "PodDisruptionBudget") == {name}
    spec = world.kube.objects["PodDisruptionBudget", name]["spec"]
    assert spec == {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",  # with the broker away no pod is ready
        "selector": {"matchLabels": lane_labels("enterprise")},
    }
    world.change(tiers=(tier("enterprise", 1), tier("standard", 3)))
    world.look()
    assert names(world, "PodDisruptionBudget") == {deployment("pos", "standard", "stable")}


def test_pods_are_spread_over_zones_and_nodes_but_never_held_back_for_it() -> None:
    route = a_route()
    body = a_deployment(route, route.tier("standard"), "stable", CLUSTER)
    spread = body["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert {each["whenUnsatisfiable"] for each in spread} == {"ScheduleAnyway"}
    assert all(each["labelSelector"] == {"matchLabels": lane_labels("standard")} for each in spread)
    assert body["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_a_policy_lets_prometheus_in_and_nobody_else() -> None:
    spec = policy()
    assert spec["podSelector"] == {"matchLabels": ROUTE}
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"] == [
        {
            "from": [
                {
                    "namespaceSelector": {},
                    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
                }
            ],
            "ports": [{"port": 9090, "protocol": "TCP"}],
        }
    ]


def test_a_policy_lets_pods_reach_names_the_broker_and_the_merchants_ports() -> None:
    route = raw_route(merchants={"hut": "enterprise", "inn": "standard"}, defaultEndpoint="http://fallback.example.com")
    route["spec"]["merchants"][1]["endpoint"] = "https://inn.example.com:8443/v1"
    body = network_policy(parse(route), (Address("rabbit.example.com", 5671),))
    assert body is not None
    assert body["spec"]["egress"] == [
        {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
        {"ports": [{"port": port, "protocol": "TCP"} for port in (80, 443, 5671, 8443)]},
        # hut.example: two words, as a Service in a namespace would have them.
        {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "example"}}, "podSelector": {}}]},
    ]


@pytest.mark.parametrize(
    ("host", "opens"),
    [
        ("rabbit", "orders"),
        ("rabbit.queues", "queues"),
        ("rabbit.queues.svc", "queues"),
        ("rabbit.queues.svc.cluster.local", "queues"),
        ("rabbit.queues.svc.cluster.local.", "queues"),
        ("rabbit.mq.example.com", None),
        ("10.1.2.3", None),
        ("{merchant}.pos", "pos"),
        ("fd00::5", None),
        ("::1", None),
        ("", None),
    ],
)
def test_an_address_in_the_cluster_opens_its_namespace_since_a_service_may_lead_to_any_port(
    host: str, opens: str | None
) -> None:
    rules = policy((Address(host, 5672),))["egress"][2:]
    labels = [rule["to"][0]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for rule in rules]
    assert labels == ([opens] if opens else [])


def opened(body: dict[str, Any]) -> tuple[set[int], set[str]]:
    """Ports that are open to anywhere, and namespaces whose pods are open."""
    rules = body["spec"]["egress"]
    namespaces = (rule["to"][0]["namespaceSelector"]["matchLabels"] for rule in rules[2:])
    return {port["port"] for port in rules[1]["ports"]}, {
        labels["kubernetes.io/metadata.name"] for labels in namespaces
    }


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://x.kube-system/",
        "https://x.merchantroute-system.svc:6443/",
        "https://neighbour/",
        "https://out.example.com:2379/",
        "https://foo.bar_x/",
    ],
)
def test_a_merchant_object_opens_nothing_for_the_pods_of_everybody(endpoint: str) -> None:
    world = standing(merchants={"hut": "standard"})
    before = opened(world.kube.objects["NetworkPolicy", "pos-mr-workers"])
    world.kube.claims["evil"] = raw_merchant("evil", endpoint=endpoint)
    world.reconciler.merchant_changed(world.kube.claims["evil"], gone=False)
    world.look()
    assert "evil" in world.bound()
    assert opened(world.kube.objects["NetworkPolicy", "pos-mr-workers"]) == before


@pytest.mark.parametrize(("insecure", "ports"), [(False, {443, 5672}), (True, {80, 443, 5672})])
def test_merchant_objects_are_reached_where_every_merchant_may_be(insecure: bool, ports: set[int]) -> None:
    route = raw_route()
    route["spec"]["orders"] = {**route["spec"].get("orders", {}), "allowInsecure": insecure}
    body = network_policy(parse(route), (Address("rabbit.mq.example.com", 5672),))
    assert body is not None
    assert opened(body) == (ports, set())


def test_a_merchant_that_the_route_lists_is_reached_inside_the_cluster_too() -> None:
    route = raw_route(merchants={"hut": "enterprise"})
    route["spec"]["merchants"][0]["endpoint"] = "https://sim.Merchants.svc:8443/m/hut"
    body = network_policy(parse(route), (), claimed=())
    assert body is not None
    assert opened(body) == ({443, 8443}, {"merchants"})


@pytest.mark.parametrize("host", ["foo.bar_", "foo.-x", "a." + "b" * 64, "x..svc", "{merchant}.{merchant}"])
def test_a_name_that_no_namespace_can_have_opens_none(host: str) -> None:
    assert policy((Address(host, 5672),))["egress"][2:] == []


def test_the_policy_follows_the_brokers_secret_and_goes_when_the_route_does_without() -> None:
    world = standing()
    rules = world.kube.objects["NetworkPolicy", "pos-mr-workers"]["spec"]["egress"]
    assert {"port": 5672, "protocol": "TCP"} in rules[1]["ports"]
    world.change(networkPolicy="None")
    world.look()
    assert not names(world, "NetworkPolicy")


def test_a_pod_monitor_is_made_where_the_cluster_knows_the_kind_and_nowhere_else() -> None:
    world = standing()
    assert not names(world, "PodMonitor")
    world.kube.kinds = (*world.kube.kinds, "PodMonitor")
    world.look()
    spec = world.kube.objects["PodMonitor", "pos-mr-workers"]["spec"]
    assert spec["selector"] == {"matchLabels": ROUTE}
    assert spec["podMetricsEndpoints"] == [{"port": "http", "path": "/metrics"}]


@pytest.mark.parametrize("kind", ["ServiceAccount", "PodDisruptionBudget", "NetworkPolicy"])
def test_one_that_somebody_deleted_is_back_and_told(kind: str) -> None:
    world = standing()
    world.look()
    name = min(names(world, kind))
    del world.kube.objects[kind, name]
    world.look()
    assert name in names(world, kind)
    assert any(f"{kind} {name} was deleted: made again" in event for event in world.kube.events)


def test_a_lanes_children_go_with_it_its_account_only_after_its_pods() -> None:
    world = standing()
    gone = deployment("pos", "enterprise", "stable")
    world.change(tiers=("standard",))
    world.look()
    assert gone in names(world, "Deployment")
    assert gone in names(world, "ServiceAccount")  # it drains: a pod that is replaced needs its account
    del world.kube.objects["Deployment", gone]
    world.broker.topology.queues.pop("mr.orders.pos.enterprise.stable")  # type: ignore[attr-defined]
    world.look()
    assert gone not in names(world, "ServiceAccount") | names(world, "PodDisruptionBudget")


def test_all_go_with_the_route_and_a_teams_own_stay() -> None:
    world = standing()
    world.kube.kinds = (*world.kube.kinds, "PodMonitor")
    world.look()
    own = {"kind": "NetworkPolicy", "metadata": {"name": "our-database", "labels": dict(ROUTE)}, "spec": {}}
    world.kube.objects["NetworkPolicy", "our-database"] = own
    world.look()
    world.delete(policy="Retain")
    world.look()
    assert set(world.kube.objects) == {("NetworkPolicy", "our-database")}
    assert FINALIZER not in world.kube.stored["metadata"]["finalizers"]  # type: ignore[index]


def test_a_stored_policy_with_the_servers_defaults_is_not_applied_again() -> None:
    body = network_policy(a_route(), (Address("rabbit", 5672),))
    assert body is not None
    live = {**body, "spec": {**body["spec"]}, "status": {}}
    assert not differs(body, live)
    live["spec"]["ingress"] = []
    assert differs(body, live)
