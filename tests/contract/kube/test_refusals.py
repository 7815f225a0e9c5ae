"""A refusal names the object and never what a Secret holds; an API server that is not there is told as such."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from merchantroute_operator.errors import KubeError, KubeForbidden, NamespaceTerminating
from merchantroute_operator.kube import api
from merchantroute_operator.kube.client import KubeClient, connect
from merchantroute_operator.kube.kube_port import Object
from tests.contract.kube.bodies import config_map, secret
from tests.contract.kube.users import kubeconfig_of
from tests.contract.silent_relay import wire
from tests.harness.cluster import Kubectl


@pytest.fixture
def going(kubectl: Kubectl, namespace: str) -> Iterator[str]:
    """A namespace that is going away and does not get to its end, because of a finalizer on something in it."""
    held = config_map(namespace, {}, "held")
    held["metadata"]["finalizers"] = ["team.example/hold"]
    kubectl("apply", "-f", "-", stdin=json.dumps(held))
    kubectl("delete", "namespace", namespace, "--wait=false")
    yield namespace
    kubectl("-n", namespace, "patch", "configmap/held", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')


@pytest.fixture
def stranger(cluster: Path, kubectl: Kubectl, namespace: str, tmp_path: Path) -> Path:
    """A kubeconfig of a service account without any right."""
    return kubeconfig_of(cluster, kubectl, namespace, "nobody", tmp_path)


async def test_a_terminating_namespace_is_seen_and_takes_nothing_new(
    kube: KubeClient, route: Object, going: str
) -> None:
    assert await kube.namespace_is_terminating(going)
    with pytest.raises(NamespaceTerminating, match="pos-config"):
        await kube.apply(config_map(going, {}))
    await kube.event(route, "Normal", "Draining", "not even an event is taken, and nobody minds")


async def test_a_namespace_that_is_gone_counts_as_terminating(kube: KubeClient, namespace: str) -> None:
    assert not await kube.namespace_is_terminating(namespace)
    assert await kube.namespace_is_terminating("no-such-namespace")
    with pytest.raises(NamespaceTerminating):
        await kube.apply(config_map("no-such-namespace", {}))


async def test_a_missing_right_is_named_by_the_api_server(stranger: Path, namespace: str) -> None:
    async with connect(str(stranger)) as nobody:
        with pytest.raises(KubeForbidden, match="configmaps"):
            await nobody.apply(config_map(namespace, {}))
        with pytest.raises(KubeForbidden):
            await nobody.secret(namespace, "any")


@pytest.mark.parametrize(
    "body",
    [
        {"stringData": {"a/b": "hunter2"}},
        {"data": {"token": "hunter2 is no base64"}},
        {"data": {"token": {"hunter2": "hunter2"}}},
        {"type": "kubernetes.io/tls", "stringData": {"tls.crt": "hunter2"}},
        {"immutable": "hunter2", "stringData": {"token": "hunter2"}},
        {"metadata": {"annotations": {"note": "hunter2" * 60_000}}},
    ],
)
async def test_a_refused_secret_is_named_without_a_word_of_what_it_holds(
    kube: KubeClient, namespace: str, body: Object
) -> None:
    whole = secret(namespace)
    whole["metadata"].update(body.get("metadata", {}))
    with pytest.raises(KubeError) as caught:
        await kube.apply({**whole, **body, "metadata": whole["metadata"]})
    assert "Secret burgerhut-pos" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_an_api_server_that_is_not_there_is_told_as_such(cluster: Path, tmp_path: Path) -> None:
    async with connect(str(moved(cluster, tmp_path, 1))) as kube:
        with pytest.raises(KubeError, match="cannot be reached"):
            await kube.cluster_id()


async def test_an_api_server_that_stops_answering_does_not_hold_a_pass_for_ever(
    cluster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "TIMEOUT", 0.5)
    host, port = server_of(cluster)
    async with wire(host, port) as way, connect(str(moved(cluster, tmp_path, way.port))) as kube:
        await kube.cluster_id()
        way.hold()
        async with asyncio.timeout(10):
            with pytest.raises(KubeError, match="did not answer in time"):
                await kube.cluster_id()


def server_of(kubeconfig: Path) -> tuple[str, int]:
    host, port = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"].split("//")[1].split(":")
    return host, int(port)


def moved(kubeconfig: Path, folder: Path, port: int) -> Path:
    """The kubeconfig with another port on this machine."""
    config = yaml.safe_load(kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
    path = folder / "moved"
    path.write_text(yaml.safe_dump(config))
    return path
