"""Watches on a real API server: what is heard, what is asked for, and that nothing is missed while nobody listens."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from merchantroute_kit.servers.api_server import ApiServer, api_server
from merchantroute_kit.waiting import until_async
from merchantroute_operator.kube import reads
from merchantroute_operator.kube.api import Api
from merchantroute_operator.kube.client import connect
from merchantroute_operator.kube.paths import everywhere
from merchantroute_operator.kube.watching.secret_watches import SecretWatches
from merchantroute_operator.kube.watching.watches import Watch
from merchantroute_operator.watches.child_watches import child_watches
from tests.contract.kube.api_server_alone import Request, requests

Asked = Callable[[str], Iterator[Request]]

ROUTE = {"merchantroute.dev/route": "pos"}
CREDENTIALS = {"merchantroute.dev/credentials": "true"}
BROKER_LABEL = "merchantroute.dev/broker"
BROKER = {BROKER_LABEL: "true"}
OTHERS, SIZE = 40, 100_000


@pytest.fixture(scope="module")
def started() -> Iterator[ApiServer]:
    with api_server() as made:
        yield made


@pytest.fixture
def server(started: ApiServer) -> Iterator[ApiServer]:
    """It holds nothing of the test before."""
    yield started
    for plural in ("secrets", "configmaps"):
        started.call("DELETE", f"/api/v1/namespaces/default/{plural}")


@pytest.fixture
def asked(server: ApiServer) -> Asked:
    """asked(resource) is what the operator's client has asked of it in this test."""
    return partial(requests, server, since=server.audit_log.stat().st_size)


@pytest.fixture
async def api(server: ApiServer) -> AsyncIterator[Api]:
    async with connect(str(server.kubeconfig)) as client:
        yield client.api


class Listener:
    """Writes down what a watcher is told."""

    def __init__(self) -> None:
        self.children: list[tuple[str, str, bool]] = []
        self.secrets: list[str] = []
        self.scaled: list[str] = []
        self.bodies: list[dict[str, Any]] = []

    def child_changed(self, kind: str, namespace: str, route: str, body: dict[str, Any], *, gone: bool) -> None:
        assert (namespace, route) == ("default", "pos")
        self.children.append((kind, body["metadata"]["name"], gone))
        self.bodies.append(body)

    def secret_changed(self, namespace: str, name: str, version: str) -> None:
        assert namespace == "default"
        self.secrets.append(f"{name} {'at a version' if version else 'gone'}")

    def autoscaler_changed(self, namespace: str, deployment: str) -> None:
        assert namespace == "default"
        self.scaled.append(deployment)


@asynccontextmanager
async def running(watches: list[Watch]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(watch.run()) for watch in watches]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def store(server: ApiServer, name: str, labels: dict[str, str], *, plural: str = "secrets", **body: Any) -> None:
    kind = {"secrets": "Secret", "configmaps": "ConfigMap"}[plural]
    metadata = {"name": name, "namespace": "default", "labels": labels}
    path = f"/api/v1/namespaces/default/{plural}"
    server.call("POST", path, {"apiVersion": "v1", "kind": kind, "metadata": metadata, **body})


def patch(server: ApiServer, name: str, change: dict[str, Any]) -> None:
    server.call("PATCH", f"/api/v1/namespaces/default/secrets/{name}", change, "application/merge-patch+json")


def remove(server: ApiServer, name: str, plural: str = "secrets") -> None:
    server.call("DELETE", f"/api/v1/namespaces/default/{plural}/{name}")


async def test_what_is_there_what_comes_and_what_goes_is_heard(server: ApiServer, api: Api, asked: Asked) -> None:
    store(server, "there", ROUTE, plural="configmaps", data={"a": "secret enough"})
    listener = Listener()
    async with running(list(child_watches(api, listener))):
        await until_async(lambda: ("ConfigMap", "there", False) in listener.children, "what is there")
        store(server, "new", ROUTE)
        await until_async(lambda: ("Secret", "new", False) in listener.children, "what is new")
        remove(server, "there", "configmaps")
        await until_async(lambda: ("ConfigMap", "there", True) in listener.children, "what is gone")
        store(server, "token", CREDENTIALS)
        await until_async(lambda: "token at a version" in listener.secrets, "credentials")
        remove(server, "token")
        await until_async(lambda: "token gone" in listener.secrets, "credentials that are gone")
    assert all("data" not in body for body in listener.bodies)
    assert all(query.get("limit") for verb, _, query in asked("configmaps") if verb == "list")


async def test_autoscalers_are_heard_of_once_for_each_target(server: ApiServer, api: Api) -> None:
    listener = Listener()
    path = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers"
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "pos-standard"}
    body = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "theirs", "namespace": "default"},
        "spec": {"scaleTargetRef": target, "maxReplicas": 3},
    }
    async with running(list(child_watches(api, listener))):
        server.call("POST", path, body)
        await until_async(lambda: listener.scaled == ["pos-standard"], "the autoscaler")
        server.apply(f"{path}/theirs", {**body, "spec": {**body["spec"], "maxReplicas": 4}})  # type: ignore[dict-item]
        server.apply(f"{path}/theirs", {**body, "spec": {"scaleTargetRef": {**target, "name": "b"}, "maxReplicas": 4}})
        await until_async(lambda: listener.scaled[1:] == ["pos-standard", "b"], "its other target, old and new")
        server.call("DELETE", f"{path}/theirs")
        await until_async(lambda: listener.scaled[3:] == ["b"], "its end")


async def test_what_went_while_nobody_listened_is_gone_by_the_next_list(server: ApiServer, api: Api) -> None:
    store(server, "kept", ROUTE)
    store(server, "doomed", ROUTE)
    heard: list[tuple[str, bool]] = []
    watch = Watch(
        api,
        everywhere("Secret"),
        lambda body, gone: heard.append((body["metadata"]["name"], gone)),
        kind="Secret",
        labels="merchantroute.dev/route",
    )
    async with running([watch]):
        await until_async(lambda: len(heard) == 2, "both")
    remove(server, "doomed")
    async with running([watch]):
        await until_async(lambda: ("doomed", True) in heard, "the end of one")
    assert [name for name, gone in heard if not gone] == ["doomed", "kept"]


async def test_a_version_that_the_api_server_has_forgotten_is_listed_again(server: ApiServer, api: Api) -> None:
    heard: list[str] = []
    watch = Watch(
        api,
        everywhere("Secret"),
        lambda body, _: heard.append(body["metadata"]["name"]),
        kind="Secret",
        labels="merchantroute.dev/route",
    )
    answers = iter(["1"])  # nothing of a fresh API server is as old
    listed = watch._list

    async def once_too_old() -> str:
        newest = await listed()
        return next(answers, newest)

    watch._list = once_too_old  # type: ignore[method-assign]
    async with running([watch]):
        store(server, "new", ROUTE)
        await until_async(lambda: "new" in heard, "what is new")


async def test_children_are_listed_in_pages(server: ApiServer, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "PAGE", 3)
    names = {f"part-{number}" for number in range(7)}
    for name in names:
        store(server, name, ROUTE, plural="configmaps")
    async with connect(str(server.kubeconfig)) as kube:
        found = await kube.children("default", "pos")
    assert found.config_maps.keys() == names
    limits = [query["limit"] for verb, _, query in asked("configmaps") if verb == "list"]
    assert limits == ["3", "3", "3"]


async def test_the_secrets_of_others_are_never_asked_for(server: ApiServer, api: Api, asked: Asked) -> None:
    text = "x" * SIZE

    def others(number: int) -> None:
        kind = "helm.sh/release.v1" if number % 2 else "Opaque"
        store(server, f"others-{number}", {"owner": "helm"}, type=kind, stringData={"release": text})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(others, range(OTHERS)))
    store(server, "rabbitmq", {}, stringData={"host": "rabbit"})
    store(server, "burger-pos", CREDENTIALS, stringData={"token": "t"})
    listener, named = Listener(), list[str]()
    secrets = SecretWatches(api)
    secrets.tell(lambda _namespace, name, version: named.append(f"{name} {'gone' if not version else 'there'}"))
    secrets.use("pos", frozenset({("default", "rabbitmq"), ("default", "missing")}))
    async with running(list(child_watches(api, listener))):
        await until_async(lambda: named == ["rabbitmq there"], "the broker's Secret")
        await until_async(lambda: listener.secrets == ["burger-pos at a version"], "the merchant's Secret")
        store(server, "missing", {}, stringData={"host": "rabbit"})
        await until_async(lambda: "missing there" in named, "the one that was missing")
        remove(server, "rabbitmq")
        await until_async(lambda: "rabbitmq gone" in named, "the one that is gone")
        await secrets.close()
    queries = [query for _, _, query in asked("secrets")]
    assert queries
    assert all("labelSelector" in query or query["fieldSelector"].startswith("metadata.name=") for query in queries)
    assert listener.children == []


async def test_brokers_secrets_with_the_label_share_one_watch(server: ApiServer, api: Api, asked: Asked) -> None:
    """As many connections for a thousand routes as for one; and none is missed that gains or loses the label."""
    names = [f"broker-{number}" for number in range(5)]
    for name in names:
        store(server, name, BROKER, stringData={"host": "rabbit"})
    store(server, "without", {}, stringData={"host": "rabbit"})
    heard = Counter[str]()
    secrets = SecretWatches(api)
    secrets.tell(lambda _namespace, name, version: heard.update([f"{name} {'there' if version else 'gone'}"]))
    for name in (*names, "without"):
        secrets.use(name, frozenset({("default", name)}))
    await until_async(lambda: heard.keys() == {f"{name} there" for name in (*names, "without")}, "all Secrets")
    assert followed(asked) == {f"labelSelector={BROKER_LABEL}=true", "fieldSelector=metadata.name=without"}

    patch(server, "broker-0", {"stringData": {"host": "other"}})
    await until_async(lambda: heard["broker-0 there"] == 2, "one with the label that changes")
    patch(server, "broker-1", {"metadata": {"labels": None}})
    await until_async(lambda: heard["broker-1 gone"] == 1 and heard["broker-1 there"] == 2, "one that lost it")
    assert "fieldSelector=metadata.name=broker-1" in followed(asked)
    before = heard["broker-1 there"]
    patch(server, "broker-1", {"stringData": {"host": "other"}})
    await until_async(lambda: heard["broker-1 there"] > before, "what happens to it then")
    before = heard["without there"]
    patch(server, "without", {"metadata": {"labels": BROKER}})
    await until_async(lambda: heard["without there"] > before, "one that gained it")
    remove(server, "broker-2")
    await until_async(lambda: heard["broker-2 gone"] == 1, "one that is gone")
    secrets.use("late", frozenset({("default", "broker-3")}))
    secrets.use("broker-3", frozenset())
    before = heard["broker-3 there"]
    patch(server, "broker-3", {"stringData": {"host": "other"}})
    await until_async(lambda: heard["broker-3 there"] > before, "one whose user changed")
    await secrets.close()


async def test_of_the_namespaces_that_are_given_each_has_a_watch_for_secrets_with_the_label(
    server: ApiServer, api: Api, asked: Asked
) -> None:
    store(server, "broker-0", BROKER, stringData={"host": "rabbit"})
    heard = list[str]()
    secrets = SecretWatches(api, ["default", "kube-system"])
    secrets.tell(lambda _namespace, name, _version: heard.append(name))
    secrets.use("pos", frozenset({("default", "broker-0")}))
    await until_async(lambda: heard == ["broker-0"], "the Secret")
    both = {f"/api/v1/namespaces/{name}/secrets" for name in ("default", "kube-system")}
    await until_async(lambda: {path for verb, path, _ in asked("secrets") if verb == "list"} == both, "both lists")
    await secrets.close()
    assert {path for _, path, _ in asked("secrets")} == both
    assert followed(asked) == {f"labelSelector={BROKER_LABEL}=true"}


def followed(asked: Asked) -> set[str]:
    """The selectors by which Secrets were listed, which is how each watch of them begins."""
    queries = [query for verb, _, query in asked("secrets") if verb == "list"]
    return {f"{key}={query[key]}" for query in queries for key in ("labelSelector", "fieldSelector") if key in query}
