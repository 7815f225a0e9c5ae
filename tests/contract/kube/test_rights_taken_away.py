"""Each right of the operator is needed: without it the call that needs it fails, and the words name what is missing."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import kopf
import pytest
from kubernetes import client
from kubernetes import config as kubernetes_config

from merchantroute_operator import handlers
from merchantroute_operator.errors import KubeForbidden
from merchantroute_operator.kube.client import KubeClient, connect
from merchantroute_operator.kube.lease import LEASE, lead
from merchantroute_operator.kube.paths import everywhere
from merchantroute_operator.reconcile.reconciler import Reconciler
from merchantroute_operator.reconcile.state.broker_pool import BrokerPool
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.pulse_board import PulseBoard
from merchantroute_operator.settings import Settings
from merchantroute_operator.watches.child_watches import Watcher, child_watches
from merchantroute_operator.watches.watch_comparison import SILENCE, Heard
from tests.contract.kube.bodies import secret
from tests.contract.kube.conftest import PLURAL, Unwatched
from tests.contract.kube.operators_rights import OURS, PATIENCE, Operator, Right, rights, shown, words
from tests.contract.kube.rights_probes import CHILDREN, PROBES, Call
from tests.contract.kube.test_lease import QUICK
from tests.contract.kube.users import kubeconfig_of
from tests.harness.cluster import Kubectl
from tests.harness.crds import established
from tests.unit.operator.fake_ports import MemoryBroker, OneBroker
from tests.unit.operator.route_samples import CLUSTER

CRDS = Path(__file__).parents[3] / "crds"
LEASES = [("coordination.k8s.io", "leases", verb) for verb in ("create", "get", "patch")]
EVENTS = [("", "events", "create"), ("", "events", "patch")]
# kopf lists before it watches. It lists the kinds that it has a port of its own for as well, which the probes show.
DEFINITIONS = [("apiextensions.k8s.io", "customresourcedefinitions", verb) for verb in ("list", "watch")]
WATCHED = [
    *(right for right in rights() if right[2] == "watch" and right not in DEFINITIONS),
    (OURS, "merchantroutes", "list"),
]
# What orders flow without.
BESIDE = ("networkpolicies", "poddisruptionbudgets", "podmonitors")
# What a first pass over a route meets: its Ready condition tells of it.
FIRST_PASS = [
    (OURS, "merchantroutes", "patch"),
    (OURS, "merchants", "list"),
    ("", "secrets", "get"),
    ("", "pods", "list"),
    *((group, resource, "list") for group, resource in CHILDREN),
    *((group, resource, "create") for group, resource in CHILDREN if resource not in ("secrets", "podmonitors")),
]
# One for each way to the condition. The words for each right are those that the call has without it.
SHOWN = {
    (OURS, "merchants", "list"),
    ("", "secrets", "get"),
    ("apps", "deployments", "create"),
    ("policy", "poddisruptionbudgets", "create"),
}


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
    api = kubernetes_config.new_client_from_config(str(cluster))  # type: ignore[no-untyped-call]
    kubeconfig = kubeconfig_of(cluster, kubectl, place, "operator", tmp_path_factory.mktemp("operator"))
    found = Operator(kubectl, place, kubeconfig, client.AuthorizationV1Api(api))
    yield found
    found.remove()


def is_served(kubectl: Kubectl, name: str) -> bool:
    """Whether the API server lists the kind: for a moment its storage is being made."""
    try:
        kubectl("get", name, "-A")
    except AssertionError:
        return False
    return True


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
    give_up = time.monotonic() + PATIENCE
    while not is_served(kubectl, name) and time.monotonic() < give_up:
        pass
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


@pytest.mark.parametrize(
    "right",
    [pytest.param(each, id=shown(each), marks=[] if each in SHOWN else [pytest.mark.extended]) for each in FIRST_PASS],
)
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
    told = {each["type"]: each["message"] for each in stored["status"]["conditions"]}
    assert words(right) in told["Progressing" if right[1] in BESIDE and right[2] != "list" else "Ready"]


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


ABSENT: dict[Right, str] = {
    ("monitoring.coreos.com", "podmonitors", "watch"): "PodMonitor",
    ("keda.sh", "scaledobjects", "watch"): "ScaledObject",
}
"""Watches of kinds that a cluster may lack. The API server asks for the right first."""


@pytest.mark.parametrize("right", ABSENT, ids=shown)
async def test_a_watch_of_a_kind_that_may_be_absent_says_which_right_is_missing(
    operator: Operator, right: Right
) -> None:
    operator.may_all_but(right)
    async with connect(str(operator.kubeconfig)) as kube:
        watch = kube.api.stream(
            everywhere(ABSENT[right]), kind=ABSENT[right], query={"watch": "true"}, metadata_only=True, silent=PATIENCE
        )
        with pytest.raises(KubeForbidden, match=re.escape(words(right))):
            async for _ in watch:
                pass


@pytest.mark.parametrize("right", [each for each in (*WATCHED, *DEFINITIONS) if each not in ABSENT], ids=shown)
async def test_a_watch_that_cannot_be_had_is_logged(
    operator: Operator,
    real_definitions: None,
    right: Right,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(operator.kubeconfig))
    operator.may_all_but(right)
    said = f'cannot {right[2]} resource "{right[1]}"'
    registry = handlers.registry(cast(handlers.Watcher, Nobody()), Heard(), silence=SILENCE)
    async with connect(str(operator.kubeconfig)) as kube:
        children = child_watches(kube.api, cast(Watcher, Nobody()))
        watching = [asyncio.create_task(each.run()) for each in children]
        watching.append(asyncio.create_task(kopf.operator(registry=registry, standalone=True, clusterwide=True)))
        async with asyncio.timeout(30):
            while said not in caplog.text:
                await asyncio.sleep(0.05)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)


@pytest.fixture(scope="module")
def real_definitions(kubectl: Kubectl) -> None:
    """The definitions under their own group, which kopf asks for."""
    kubectl("apply", "--server-side", "--force-conflicts", "-k", str(CRDS))
    established(kubectl, "merchantroutes.merchantroute.dev")
    established(kubectl, "merchants.merchantroute.dev", kind="Merchant")
