"""The stand-in for a node: what it mounts follows the objects that a Deployment's pods name."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from merchantroute_kit.servers.api_server import ApiServer, api_server
from merchantroute_kit.waiting import until
from merchantroute_kit.worker.nodeless_pods import NodelessPods

NAMESPACE = "/api/v1/namespaces/default"
LABELS = {"lane": "here"}


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    """One without nodes."""
    with api_server() as made:
        yield made


def deployment() -> dict[str, Any]:
    """One whose pods mount a ConfigMap, two Secrets, and a folder of their own."""
    sources = [{"configMap": {"name": "config-0"}}, {"secret": {"name": "more"}}]
    container = {
        "name": "worker",
        "image": "worker:1",
        "env": [{"name": "MR_ROUTE", "value": "pos"}],
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/merchantroute/config"},
            {"name": "broker", "mountPath": "/etc/merchantroute/broker"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        ],
    }
    volumes = [
        {"name": "config", "projected": {"sources": sources}},
        {"name": "broker", "secret": {"secretName": "broker"}},
        {"name": "tmp", "emptyDir": {}},
    ]
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container], "volumes": volumes}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "lane"},
        "spec": {"selector": {"matchLabels": LABELS}, "template": template},
    }


def files(folder: Path) -> dict[str, str]:
    """Name and text of each."""
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_mounted_files_are_there_at_once_and_follow_their_objects(server: ApiServer, tmp_path: Path) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config-0"}, "data": {"index.json": "1"}}
    packed = base64.b64encode(b"packed").decode()
    server.apply(f"{NAMESPACE}/configmaps/config-0", {**config, "binaryData": {"a.json": packed}})
    for name, data in {"more": {"b.json": "more"}, "broker": {"host": "rabbit"}}.items():
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
        server.apply(f"{NAMESPACE}/secrets/{name}", body)
    server.apply("/apis/apps/v1/namespaces/default/deployments/lane", deployment())

    pods = NodelessPods(server, "default", "lane", tmp_path)
    try:
        first = files(tmp_path / "config")
        server.apply(f"{NAMESPACE}/configmaps/config-0", {**config, "data": {"index.json": "2"}})
        until(lambda: files(tmp_path / "config")["index.json"] == "2", "the changed file")
    finally:
        pods.close()

    assert first == {"index.json": "1", "a.json": "packed", "b.json": "more"}
    assert files(tmp_path / "broker") == {"host": "rabbit"}
