"""The operator with Roles in some namespaces, as manifests/overlays/namespaced gives them: it sees no others."""

import asyncio
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from merchantroute_operator import handlers
from merchantroute_operator.errors import KubeForbidden
from merchantroute_operator.kube.client import connect
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.kube.network.cluster_addresses import ClusterAddresses
from merchantroute_operator.rabbit.dialing.dialer import Dialer
from merchantroute_operator.reconcile.reconciler import Reconciler
from merchantroute_operator.reconcile.state.broker_pool import BrokerPool
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.pulse_board import PulseBoard
from merchantroute_operator.spec.broker_rules import BrokerRules
from merchantroute_operator.watches.watch_comparison import SILENCE, Heard, watch
from tests.contract.kube.bodies import secret
from tests.contract.kube.test_cluster_addresses import service
from tests.contract.kube.users import kubeconfig_of
from tests.harness.cluster import Kubectl
from tests.harness.crds import established
from tests.unit.operator.fake_ports import MemoryBroker, OneBroker
from tests.unit.operator.route_samples import CLUSTER

MANIFESTS = Path(__file__).parents[3] / "manifests"
OVERLAY = MANIFESTS / "overlays" / "namespaced"
CRDS = Path(__file__).parents[3] / "crds"
CLUSTERS_OWN = {("", "nodes"), ("apiextensions.k8s.io", "customresourcedefinitions")}
# Another operator in the cluster leaves a paused route alone, and this one says of it what it may.
PAUSED = {"paused": True}


def rules(path: Path, kind: str) -> set[tuple[str, str, str]]:
    """Each verb that the first object of the kind holds."""
    role = next(each for each in yaml.safe_load_all(path.read_text()) if each["kind"] == kind)
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_a_role_holds_what_the_cluster_role_does_but_for_what_is_the_clusters_own() -> None:
    whole = rules(MANIFESTS / "base" / "rbac.yaml", "ClusterRole")
    assert rules(OVERLAY / "role" / "role.yaml", "Role") == {right for right in whole if right[:2] not in CLUSTERS_OWN}


@pytest.fixture
def there(cluster: Path, kubectl: Kubectl, namespace: str, tmp_path: Path) -> Iterator[Path]:
    """The kubeconfig of an operator with the overlay's Roles, in the test's namespace alone."""
    kubectl("apply", "--server-side", "--force-conflicts", "-k", str(CRDS))
    established(kubectl, "merchantroutes.merchantroute.dev")
    established(kubectl, "merchants.merchantroute.dev", kind="Merchant")
    yield kubeconfig_of(cluster, kubectl, namespace, "operator", tmp_path)
    kubectl("-n", "kube-system", "delete", "role,rolebinding", namespace)


def let(kubectl: Kubectl, namespace: str) -> None:
    """Apply the Roles of the overlay, under names of the test's own in kube-system."""
    found: list[Object] = [
        *yaml.safe_load_all((OVERLAY / "role" / "role.yaml").read_text()),
        *yaml.safe_load_all((OVERLAY / "cluster-id.yaml").read_text()),
    ]
    for each in found:
        metadata = each["metadata"]
        if metadata.get("namespace") == "kube-system":
            metadata["name"] = namespace
        else:
            metadata["namespace"] = namespace
        if each["kind"] == "RoleBinding":
            each["roleRef"]["name"] = metadata["name"]
            each["subjects"] = [{"kind": "ServiceAccount", "name": "operator", "namespace": namespace}]
    everything = {"apiVersion": "v1", "kind": "List", "items": found}
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(everything))


def a_route(namespace: str, **spec: Any) -> Object:
    whole = {
        "broker": {"secretRef": {"name": "rabbitmq"}},
        "worker": {"image": "no-such-image.invalid/worker:1"},
        "defaultTier": "standard",
        "tiers": [{"name": "standard", "scaling": {"minReplicas": 1, "maxReplicas": 2}}],
        **spec,
    }
    head = {"apiVersion": "merchantroute.dev/v1alpha1", "kind": "MerchantRoute"}
    return {**head, "metadata": {"name": "pos", "namespace": namespace}, "spec": whole}


async def allowed(path: Path, namespace: str) -> None:
    """Until the authorizer has seen the Roles."""
    async with connect(str(path)) as kube, asyncio.timeout(30):
        while True:
            with suppress(KubeForbidden):
                await kube.children(namespace, "pos")
                await kube.cluster_id()
                return


async def test_its_namespaces_are_watched_and_others_are_not(
    there: Path, kubectl: Kubectl, namespace: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    let(kubectl, namespace)
    await allowed(there, namespace)
    elsewhere = f"test-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", elsewhere)
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(a_route(elsewhere, **PAUSED)))
    seen: list[tuple[str, str]] = []
    monkeypatch.setenv("KUBECONFIG", str(there))
    registry = handlers.registry(cast(handlers.Watcher, Listening(seen)), Heard(), silence=SILENCE)
    watching = asyncio.create_task(watch(registry, (namespace,)))
    try:
        await asyncio.sleep(0)
        kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(a_route(namespace, **PAUSED)))
        async with asyncio.timeout(30):
            while (namespace, "pos") not in seen:
                assert not watching.done()
                await asyncio.sleep(0.05)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        kubectl("delete", "namespace", elsewhere, "--wait=false")
    assert {place for place, _ in seen} == {namespace}
    assert "forbidden" not in caplog.text


class Listening:
    """Notes the routes that it hears of."""

    def __init__(self, seen: list[tuple[str, str]]) -> None:
        self._seen = seen

    def route_changed(self, namespace: str, name: str, _version: object) -> None:
        """See ``handlers.Watcher``."""
        self._seen.append((namespace, name))

    def __getattr__(self, name: str) -> Any:
        return lambda *_arguments, **_named: None


async def test_a_pass_goes_to_its_end_with_a_role_alone(there: Path, kubectl: Kubectl, namespace: str) -> None:
    let(kubectl, namespace)
    await allowed(there, namespace)
    kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(service("rabbit")))
    address = kubectl("-n", namespace, "get", "service/rabbit", "-o", "jsonpath={.spec.clusterIP}")
    data = {"host": "rabbit", "port": "5672", "username": "u", "password": "p4ss"}
    for body in (secret(namespace, "rabbitmq", None, **data), a_route(namespace, **PAUSED)):
        kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(body))
    async with connect(str(there)) as kube:
        brokers = cast(BrokerPool, OneBroker(MemoryBroker([])))
        board = PulseBoard(time.monotonic)
        reconciler = Reconciler(Context(kube, brokers, board, CLUSTER, 25.0, time.monotonic, time.time))
        key = (namespace, "pos")
        reconciler.touch(key)
        await reconciler.reconcile(key)
        stored = await kube.route(*key)
        assert stored is not None
        ready = next(each for each in stored["status"]["conditions"] if each["type"] == "Ready")
        assert "orbidden" not in f"{ready}"
        assert next(c for c in stored["status"]["conditions"] if c["type"] == "Paused")["status"] == "True"
        dialer = Dialer(
            BrokerRules.from_env({"MR_OPERATOR_BROKER_ADDRESSES": "services"}), ClusterAddresses(kube.api), namespace
        )
        assert await judged(dialer, f"rabbit.{namespace}.svc", address) == ""
        assert "public" in await judged(dialer, "mq.example.com", "8.8.8.8")
        with pytest.raises(KubeForbidden, match='cannot get resource "secrets"'):
            await kube.secret("kube-system", "any")


async def judged(dialer: Dialer, host: str, address: str) -> str:
    """Why an address of the host is no broker's. The cluster's name server, which knows the name, is not asked here."""
    return await dialer._why_not(host, address)
