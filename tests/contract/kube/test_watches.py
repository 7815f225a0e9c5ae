"""Watches of a real API server whose connections pass nothing more, and are never closed: what they miss is found."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from merchantroute_kit.servers.api_server import ApiServer, api_server
from merchantroute_kit.waiting import until, until_async
from merchantroute_operator.handlers import ASKED_BY_HAND, Version, registry
from merchantroute_operator.kube.client import KubeClient, connect
from merchantroute_operator.watches.watch_comparison import Heard, Watches, watch
from tests.contract.crd.routes import route as crd_route
from tests.contract.kube.test_refusals import moved, server_of
from tests.contract.silent_relay import Wire, wire

CRDS = Path(__file__).parents[3] / "crds"
MERCHANTS = "/apis/merchantroute.dev/v1alpha1/namespaces/default/merchants"
ROUTES = "/apis/merchantroute.dev/v1alpha1/namespaces/default/merchantroutes"
NEVER = 3600.0  # seconds


@dataclass
class Told:
    """Merchants of which the watches told, by name; what a comparison told is beside them."""

    names: set[str] = field(default_factory=set)
    missed: list[tuple[str, str]] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)  # of routes, equal neighbours as one

    def route_changed(self, namespace: str, name: str, version: Version) -> None:
        del namespace, name
        if version not in self.versions[-1:]:
            self.versions.append(version)

    def child_changed(self, kind: str, namespace: str, route: str, body: dict[str, Any], *, gone: bool) -> None: ...

    def merchant_changed(self, body: dict[str, Any], *, gone: bool) -> None:
        (self.names.discard if gone else self.names.add)(body["metadata"]["name"])

    def secret_changed(self, namespace: str, name: str, version: str) -> None: ...

    def deletion_missed(self, kind: str, namespace: str, name: str) -> None:
        del namespace
        self.missed.append((kind, name))
        self.names.discard(name)


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    """An API server of these tests' own: an operator of another one would act on what they make."""
    with api_server() as made:
        for file in sorted(CRDS.glob("merchant*.yaml")):
            definition = yaml.safe_load(file.read_text())
            name = definition["metadata"]["name"]
            path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
            made.apply(path, definition)
            until(partial(established, made, path), f"{name} is served")
        yield made


def established(server: ApiServer, path: str) -> bool:
    """Whether the definition's kind is served."""
    conditions = server.call("GET", path)["status"].get("conditions") or ()
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


@pytest.fixture
async def kube(server: ApiServer) -> AsyncIterator[KubeClient]:
    """The port, by a connection of its own."""
    async with connect(str(server.kubeconfig)) as client:
        yield client


@pytest.fixture
async def way(server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
    """A wire to the API server that kopf takes."""
    async with wire(*server_of(server.kubeconfig)) as made:
        monkeypatch.setenv("KUBECONFIG", str(moved(server.kubeconfig, tmp_path, made.port)))
        yield made


@asynccontextmanager
async def watching(kube: KubeClient, *, silence: float, every: float) -> AsyncIterator[Told]:
    """The operator's watches, which have told of the Merchant ``first``."""
    told, heard = Told(), Heard()
    handlers = registry(told, heard, silence=silence)
    compared = partial(Watches, every=every, while_none=every, settle=1.0)
    watches = compared(kube, heard, partial(watch, handlers), told.deletion_missed)
    task = asyncio.create_task(watches.run())
    try:
        await until_async(lambda: "first" in told.names, "the watch tells of what there is")
        yield told
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def made(server: ApiServer, name: str) -> None:
    """Make a Merchant."""
    spec = {"routeRef": {"name": "pos"}, "tier": "standard", "endpoint": "https://burger.example/"}
    body = {"apiVersion": "merchantroute.dev/v1alpha1", "kind": "Merchant", "metadata": {"name": name}, "spec": spec}
    await asyncio.to_thread(server.call, "POST", MERCHANTS, body)


async def deleted(server: ApiServer, name: str) -> None:
    """Delete it."""
    await asyncio.to_thread(server.call, "DELETE", f"{MERCHANTS}/{name}")


@pytest.fixture
async def first(server: ApiServer) -> AsyncIterator[None]:
    """The Merchant that is there before; whatever is left of a test's goes after it."""
    await made(server, "first")
    yield
    await asyncio.to_thread(server.call, "DELETE", MERCHANTS)


@pytest.mark.usefixtures("first")
async def test_a_watch_that_is_silent_for_too_long_goes_on_by_another_connection(
    kube: KubeClient, server: ApiServer, way: Wire
) -> None:
    async with watching(kube, silence=3.0, every=NEVER) as told:
        way.forget()
        await made(server, "second")
        await deleted(server, "first")

        await until_async(lambda: told.names == {"second"}, "the watch tells what happened in its silence")
        assert told.missed == []


@pytest.mark.usefixtures("first")
async def test_what_a_watch_does_not_tell_is_found_in_a_list_and_the_watches_start_anew(
    kube: KubeClient, server: ApiServer, way: Wire
) -> None:
    async with watching(kube, silence=NEVER, every=8.0) as told:
        others = asyncio.create_task(asyncio.Event().wait())  # as the loops of brokers are
        way.forget()
        await made(server, "second")
        await deleted(server, "first")

        await until_async(lambda: told.names == {"second"}, "the comparison tells what no watch did")
        assert told.missed == [("Merchant", "first")]

        await made(server, "third")
        await until_async(lambda: "third" in told.names, "the new watches tell")
        assert told.missed == [("Merchant", "first")]
        assert not others.done()
        others.cancel()


@pytest.fixture
async def route(server: ApiServer) -> AsyncIterator[str]:
    """A route of which no pass is made; its path."""
    body = {**crd_route(), "metadata": {"name": "pos", "namespace": "default"}}
    await asyncio.to_thread(server.call, "POST", ROUTES, body)
    yield f"{ROUTES}/pos"
    await asyncio.to_thread(server.call, "DELETE", f"{ROUTES}/pos")


@pytest.mark.usefixtures("first", "way")
@pytest.mark.parametrize("asked", ASKED_BY_HAND)
async def test_what_somebody_asks_for_by_annotation_is_a_change_of_its_route_and_other_annotations_are_none(
    kube: KubeClient, server: ApiServer, route: str, asked: str
) -> None:
    """The API server counts no generation for either."""

    async def annotate(**annotations: str | None) -> str:
        patch = {"metadata": {"annotations": annotations}}
        found = await asyncio.to_thread(server.call, "PATCH", route, patch, "application/merge-patch+json")
        return str(found["metadata"]["generation"])

    async with watching(kube, silence=NEVER, every=NEVER) as told:
        await until_async(lambda: told.versions, "the watch tells of the route")
        await annotate(note="of a team")
        await annotate(**{asked: '{"burger-barn": "2027-01-31T18:00:00Z"}'})
        await until_async(lambda: len(told.versions) == 2, "the watch tells what was asked for")
        await annotate(**{asked: None})
        await until_async(lambda: len(told.versions) == 3, "the watch tells that it is asked for no more")

    before, asking, after = told.versions
    assert before == after != asking
    assert before[:-1] == asking[:-1], "the generation is the same"
