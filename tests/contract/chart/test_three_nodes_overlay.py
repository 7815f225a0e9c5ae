"""The overlay with three RabbitMQ nodes: every object is as the API server wants it, and the nodes find each other."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from merchantroute_kit.servers.api_server import ApiServer
from merchantroute_kit.servers.hack import ROOT
from tests.contract.chart.conftest import by_name
from tests.contract.chart.test_chart import kubectl

OVERLAY = ROOT / "manifests" / "overlays" / "three-nodes"
FORMATION = "50-cluster.conf"


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    """All that the overlay makes."""
    return list(yaml.safe_load_all(kubectl(None, "kustomize", str(OVERLAY))))


@pytest.fixture
def broker(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """The StatefulSet's spec."""
    spec: dict[str, Any] = by_name(objects)["StatefulSet/rabbitmq-pos"]["spec"]
    return spec


def test_every_object_is_as_the_api_servers_schemas_ask_for(
    objects: list[dict[str, Any]], tools: Path, schemas: Path, tmp_path: Path
) -> None:
    (tmp_path / "objects.yaml").write_text(yaml.safe_dump_all(objects))
    place = f"{schemas}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"
    command = [str(tools / "kubeconform"), "-strict", "-summary", "-schema-location", place]
    checked = subprocess.run(
        [*command, str(tmp_path / "objects.yaml")], capture_output=True, text=True, timeout=120, check=False
    )

    assert checked.returncode == 0, checked.stdout
    assert f"Valid: {len(objects)}, Invalid: 0, Errors: 0, Skipped: 0" in checked.stdout


def test_the_nodes_of_the_formation_are_those_of_the_stateful_set(
    objects: list[dict[str, Any]], broker: dict[str, Any]
) -> None:
    named = by_name(objects)
    (cluster,) = (each for name, each in named.items() if name.startswith("ConfigMap/rabbitmq-pos-cluster-"))
    formed = re.findall(
        r"^cluster_formation\.classic_config\.nodes\.\d = (.*)$", cluster["data"]["50-cluster.conf"], re.M
    )
    (container,) = broker["template"]["spec"]["containers"]
    (pattern,) = (each["value"] for each in container["env"] if each["name"] == "RABBITMQ_NODENAME")
    pods = [f"rabbitmq-pos-{number}" for number in range(broker["replicas"])]

    assert formed == [pattern.replace("$(POD_NAME)", pod) for pod in pods]
    assert pattern == f"rabbit@$(POD_NAME).{broker['serviceName']}.orders.svc"
    found = named[f"Service/{broker['serviceName']}"]["spec"]
    assert (found["clusterIP"], found["publishNotReadyAddresses"]) == ("None", True)


def test_one_node_at_a_time_may_be_taken_away(objects: list[dict[str, Any]], broker: dict[str, Any]) -> None:
    budget = by_name(objects)["PodDisruptionBudget/rabbitmq-pos"]["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == broker["selector"]


def test_the_pods_keep_the_restricted_pod_security_standard(server: ApiServer, broker: dict[str, Any]) -> None:
    """Asked of a real API server: a namespace that enforces it takes such a pod."""
    server.apply("/api/v1/namespaces/restricted", {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "restricted", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    })  # fmt: skip
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    server.apply("/api/v1/namespaces/restricted/serviceaccounts/default", account)
    spec = broker["template"]["spec"]
    volumes = [*spec["volumes"], {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "node"},
        "spec": {**spec, "volumes": volumes},
    }

    made = server.call("POST", "/api/v1/namespaces/restricted/pods", pod)

    assert [each["name"] for each in made["spec"]["initContainers"]] == ["cookie"]
