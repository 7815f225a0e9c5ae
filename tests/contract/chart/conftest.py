"""Real helm and kubeconform, and an API server of the chart's own: its names are fixed, one operator a cluster."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from merchantroute_kit.servers.api_server import ApiServer, api_server
from merchantroute_kit.servers.hack import ROOT, hack

CHART = ROOT / "charts" / "merchantroute"
BUILDING = 1200.0  # seconds; cold, both programs are compiled
SYSTEM = "merchantroute-system"

Helm = Callable[..., str]


class Refused(AssertionError):
    """helm ended with an error; the text is what it said."""


@pytest.fixture(scope="session")
def tools() -> Path:
    """The folder of helm and kubeconform."""
    return Path(hack("chart-tools", within=BUILDING).strip().splitlines()[-1])


@pytest.fixture(scope="session")
def server() -> Iterator[ApiServer]:
    """An API server with nothing installed."""
    with api_server() as made:
        yield made


@pytest.fixture(scope="session")
def helm(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Run helm: helm("install", ..., server=...) gives its stdout."""
    home = tmp_path_factory.mktemp("helm")

    def run(*arguments: str, server: ApiServer | None = None) -> str:
        kubeconfig = ["--kubeconfig", str(server.kubeconfig)] if server else []
        ended = subprocess.run(
            [str(tools / "helm"), *arguments, *kubeconfig],
            env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        if ended.returncode:
            raise Refused(ended.stderr)
        return ended.stdout

    return run


def rendered(helm: Helm, *values: str) -> list[dict[str, Any]]:
    """The chart's objects, definitions included."""
    text = helm("template", "merchantroute", str(CHART), "--namespace", SYSTEM, "--include-crds", *values)
    return [document for document in yaml.safe_load_all(text) if document]


def by_name(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Objects by kind and name."""
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in objects}


@pytest.fixture(scope="session")
def schemas(server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """JSON Schemas of the API server's kinds, by the names that kubeconform asks for."""
    definitions = server.call("GET", "/openapi/v2")["definitions"]
    definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"]["type"] = ["string", "number"]  # as it is read
    for definition in definitions.values():
        if "properties" in definition:
            definition.setdefault("additionalProperties", False)
        if definition.get("format") == "int-or-string":
            definition["type"] = ["integer", "string"]
    folder = tmp_path_factory.mktemp("schemas")
    for name, definition in definitions.items():
        for of in definition.get("x-kubernetes-group-version-kind", ()):
            parts = [of["kind"], of["group"].split(".")[0], of["version"]]
            file = folder / ("-".join(filter(None, parts)).lower() + ".json")
            if of["kind"] in KINDS:
                file.write_text(json.dumps({"definitions": definitions, "$ref": f"#/definitions/{name}"}))
    return folder


KINDS = {
    "ClusterRole", "ClusterRoleBinding", "ConfigMap", "CustomResourceDefinition", "Deployment", "Namespace",
    "PodDisruptionBudget", "PriorityClass", "Role", "RoleBinding", "Service", "ServiceAccount", "StatefulSet",
    "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
}  # fmt: skip
