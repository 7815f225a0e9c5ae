"""Watches of a real API server whose connections pass nothing more, and are never closed: what they miss is found."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import kopf
import pytest

from merchantroute_kit.waiting import until_async
from merchantroute_operator.handlers import Version, registry
from merchantroute_operator.kube.client import KubeClient
from merchantroute_operator.watches import Heard, Watches
from tests.contract.kube.test_refusals import moved, server_of
from tests.contract.silent_relay import Wire, wire
from tests.harness.cluster import Kubectl

NEVER = 3600.0  # seconds


@dataclass
class Told:
    """Deployments of which the watches told, by name; what a comparison told is beside them."""

    names: set[str] = field(default_factory=set)
    missed: list[tuple[str, str]] = field(default_factory=list)

    def route_changed(self, namespace: str, name: str, version: Version) -> None: ...

    def child_changed(self, kind: str, namespace: str, route: str, body: dict[str, Any], *, gone: bool) -> None:
        del namespace, route
        if kind == "deployments":
            (self.names.discard if gone else self.names.add)(body["metadata"]["name"])

    def merchant_changed(self, body: dict[str, Any], *, gone: bool) -> None: ...

    def secret_changed(self, namespace: str, name: str) -> None: ...

    def deletion_missed(self, kind: str, namespace: str, name: str) -> None:
        del namespace
        self.missed.append((kind, name))
        self.names.discard(name)


@pytest.fixture
async def way(cluster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
    """A wire to the API server that kopf takes."""
    async with wire(*server_of(cluster)) as made:
        monkeypatch.setenv("KUBECONFIG", str(moved(cluster, tmp_path, made.port)))
        yield made


@asynccontextmanager
async def watching(kube: KubeClient, namespace: str, *, silence: float, every: float) -> AsyncIterator[Told]:
    """The operator's watches of one namespace, which have told of the Deployment ``first``."""
    told, heard = Told(), Heard()
    run = partial(
        kopf.operator, registry=registry(told, heard, silence=silence), standalone=True, namespaces=[namespace]
    )
    watches = Watches(kube, heard, run, told.deletion_missed, namespaces=[namespace], every=every, settle=1.0)
    task = asyncio.create_task(watches.run())
    try:
        await until_async(lambda: "first" in told.names, "the watch tells of what there is")
        yield told
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def made(kubectl: Kubectl, namespace: str, name: str) -> None:
    """Make a Deployment of a route, without pods."""
    labels = {"merchantroute.dev/route": "pos"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "worker", "image": "worker:1"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": pod}
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels}, "spec": spec}
    await asyncio.to_thread(kubectl, "-n", namespace, "create", "-f", "-", stdin=json.dumps(body))


async def test_a_watch_that_is_silent_for_too_long_goes_on_by_another_connection(
    kube: KubeClient, namespace: str, kubectl: Kubectl, way: Wire
) -> None:
    await made(kubectl, namespace, "first")
    async with watching(kube, namespace, silence=3.0, every=NEVER) as told:
        way.forget()
        await made(kubectl, namespace, "second")
        await asyncio.to_thread(kubectl, "-n", namespace, "delete", "deployment", "first")

        await until_async(lambda: told.names == {"second"}, "the watch tells what happened in its silence")
        assert told.missed == []


async def test_what_a_watch_does_not_tell_is_found_in_a_list_and_the_watches_start_anew(
    kube: KubeClient, namespace: str, kubectl: Kubectl, way: Wire
) -> None:
    await made(kubectl, namespace, "first")
    async with watching(kube, namespace, silence=NEVER, every=1.0) as told:
        way.forget()
        await made(kubectl, namespace, "second")
        await asyncio.to_thread(kubectl, "-n", namespace, "delete", "deployment", "first")

        await until_async(lambda: told.names == {"second"}, "the comparison tells what no watch did")
        assert told.missed == [("Deployment", "first")]

        await made(kubectl, namespace, "third")
        await until_async(lambda: "third" in told.names, "the new watches tell")
        assert told.missed == [("Deployment", "first")]
