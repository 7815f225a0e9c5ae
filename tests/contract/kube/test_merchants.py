"""Merchant objects through the port: read page by page, and told what became of them."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from merchantroute_operator.errors import KubeConflict
from merchantroute_operator.kube import reads
from merchantroute_operator.kube.api import Api, Method
from merchantroute_operator.kube.client import KubeClient, connect
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.reconcile.merchants.claims import Claims
from merchantroute_operator.reconcile.merchants.status_writer import MerchantStatusWriter
from merchantroute_operator.spec.claim import parse_claim
from tests.contract.kube.conftest import GROUP
from tests.harness.cluster import Kubectl
from tests.harness.many import apply_many

PAGE, SOME = 50, 20
MANY = 2 * PAGE + SOME
STATUS = {"observedGeneration": 1, "state": "Active", "since": "2026-01-01T00:00:00Z", "reason": "AsWanted"}


def merchant(name: str, namespace: str) -> Object:
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "Merchant",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"routeRef": {"name": "pos"}, "tier": "standard", "endpoint": f"https://pos.example/{name}"},
    }


def apply(kubectl: Kubectl, *merchants: Object) -> None:
    everything = {"apiVersion": "v1", "kind": "List", "items": list(merchants)}
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(everything))


async def only_one(kube: KubeClient, namespace: str) -> Object:
    """The only one in the namespace."""
    found = await kube.merchants(namespace)
    assert found is not None
    (only,) = found
    return only


async def test_a_fresh_merchant_never_looks_current(
    kube: KubeClient, merchants_definition: str, namespace: str, kubectl: Kubectl
) -> None:
    apply(kubectl, merchant("taco", namespace))
    found = await only_one(kube, namespace)
    assert parse_claim(found).status == {"observedGeneration": -1}
    assert parse_claim(found).merchant.id == "taco"


async def test_a_status_is_written_whole_and_what_is_no_longer_said_goes(
    kube: KubeClient, merchants_definition: str, namespace: str, kubectl: Kubectl
) -> None:
    apply(kubectl, merchant("taco", namespace))
    found = await only_one(kube, namespace)
    own = {"why": "Slow", "stage": "Open", "since": "2026-01-01T00:00:00Z", "share": 4, "waiting": 812}
    first = {**STATUS, "tier": "standard", "message": "Orders flow", "ownQueue": own}
    told = await kube.write_merchant_status(namespace, "taco", parse_claim(found).version, first)
    assert told is not None
    head, row = kubectl("get", merchants_definition, "-n", namespace).splitlines()
    assert head.split() == ["NAME", "TIER", "STATE", "SINCE", "REASON", "ISOLATED", "WAITING", "SHARE", "AGE"]
    assert row.split()[:3] == ["taco", "standard", "Active"]
    assert row.split()[4:8] == ["AsWanted", "Slow", "812", "4"]

    stored = await kube.write_merchant_status(
        namespace, "taco", parse_claim(told).version, {**STATUS, "state": "Refused"}
    )

    assert stored is not None
    assert stored["status"] == {**STATUS, "state": "Refused"}
    assert stored["metadata"]["generation"] == found["metadata"]["generation"]


async def test_one_that_changed_or_was_made_anew_is_not_told_of_the_old_one_and_a_gone_one_is_fine(
    kube: KubeClient, merchants_definition: str, namespace: str, kubectl: Kubectl
) -> None:
    apply(kubectl, merchant("taco", namespace))
    version = parse_claim(await only_one(kube, namespace)).version
    kubectl("delete", f"{merchants_definition}/taco", "-n", namespace)
    assert await kube.write_merchant_status(namespace, "taco", version, STATUS) is None
    apply(kubectl, merchant("taco", namespace))
    with pytest.raises(KubeConflict):
        await kube.write_merchant_status(namespace, "taco", version, STATUS)
    assert parse_claim(await only_one(kube, namespace)).status == {"observedGeneration": -1}


async def test_more_than_a_page_of_merchants_are_read_whole_and_told_once(
    kube: KubeClient, merchants_definition: str, namespace: str, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reads, "PAGE", PAGE)
    apply_many(kubectl, namespace, [merchant(f"m-{n:04}", namespace) for n in range(MANY)])
    claims = Claims(kube, lambda _: None, time.monotonic)
    found = await claims.of((namespace, "pos"))
    assert {claim.name for claim in found} == {f"m-{n:04}" for n in range(MANY)}
    status_writer = MerchantStatusWriter(kube, claims)
    for claim in found[:SOME]:
        status_writer.want(claim, STATUS)
    while status_writer.waiting:
        await status_writer.write_one()
    for claim in found[:SOME]:
        status_writer.want(claim, STATUS)
    assert status_writer.waiting == 0


async def test_a_cluster_without_the_kind_answers_that_there_is_none(cluster: Path, namespace: str) -> None:
    class Without(Api):
        async def call(self, method: Method, path: str, **rest: Any) -> Object:
            return await super().call(method, path.replace("/merchants", "/nobodysmerchants"), **rest)

    async with connect(str(cluster)) as client:
        assert await KubeClient(Without(client.api.client)).merchants(namespace) is None
