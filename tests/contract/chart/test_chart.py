"""The chart installs what manifests/base does, says which value is wrong, and comes and goes on a real API server."""

import subprocess
import urllib.error
from pathlib import Path
from typing import Any

import pytest
import yaml

from merchantroute_kit.servers.api_server import ApiServer
from merchantroute_kit.servers.hack import ROOT, adopt_tools, hack
from tests.contract.chart.conftest import CHART, SYSTEM, Helm, Refused, by_name, rendered

ROUTES = "/apis/merchantroute.dev/v1alpha1/namespaces/default/merchantroutes"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{SYSTEM}/deployments/merchantroute-operator"
EVERYTHING = """
replicas: 3
image: {repository: "registry.example:5000/team/merchantroute-operator", digest: "sha256:%s", pullPolicy: Always}
imagePullSecrets: [{name: registry}]
settings: {resyncSeconds: 60, tickSeconds: 0.5, brokerNamespaces: "@own, messaging"}
resources: {requests: {cpu: 1, memory: 1Gi}, limits: {memory: 2Gi}}
serviceAccount: {annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::1:role/x"}}
rbac: {aggregate: false}
priorityClass: {create: false, name: system-cluster-critical}
podLabels: {team: platform}
podAnnotations: {team.example/note: "1"}
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{key: system, operator: Exists}]
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [
  {key: kubernetes.io/arch, operator: In, values: [amd64]}]}]}}}
topologySpreadConstraints: []
podSecurityContext: {runAsUser: null, runAsGroup: null}
""" % ("0" * 64)  # fmt: skip


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    """A file with most of the values changed."""
    path = tmp_path / "values.yaml"
    path.write_text(EVERYTHING)
    return path


def kubectl(server: ApiServer | None, *arguments: str, stdin: str = "") -> str:
    """Run kubectl; give its stdout."""
    hack("tools", within=600)
    adopt_tools()
    at = ["--kubeconfig", str(server.kubeconfig)] if server else []
    ended = subprocess.run(["kubectl", *at, *arguments], input=stdin, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_chart_with_its_defaults_is_what_manifests_base_is(helm: Helm) -> None:
    base = by_name(list(yaml.safe_load_all(kubectl(None, "kustomize", str(ROOT / "manifests" / "base")))))
    del base[f"Namespace/{SYSTEM}"]  # helm install --create-namespace
    chart = by_name(rendered(helm))
    for guard in (name for name in chart if name.endswith("/merchantroute-definitions")):
        assert chart[guard]["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
    assert chart == base


def test_the_chart_for_some_namespaces_is_what_that_overlay_is(helm: Helm) -> None:
    overlay = str(ROOT / "manifests" / "overlays" / "namespaced")
    objects = [each for each in yaml.safe_load_all(kubectl(None, "kustomize", overlay)) if each["kind"] != "Namespace"]

    def placed(objects: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            f"{each['kind']} {each['metadata'].get('namespace')}/{each['metadata']['name']}": each for each in objects
        }

    mine, theirs = placed(rendered(helm, "--set", "namespaces={orders}")), placed(objects)
    for guard in (name for name in mine if name.endswith("/merchantroute-definitions")):
        del mine[guard]["metadata"]["annotations"]
    for deployment in (each[f"Deployment {SYSTEM}/merchantroute-operator"] for each in (mine, theirs)):
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        container["env"] = sorted(container["env"], key=lambda variable: variable["name"])  # kustomize appends
    assert mine == theirs


def test_the_chart_keeps_lint(helm: Helm, everything: Path) -> None:
    helm("lint", "--strict", str(CHART), "--namespace", SYSTEM, "--set", "namespaces={orders,returns}")
    helm("lint", "--strict", str(CHART), "--namespace", SYSTEM)
    helm("lint", "--strict", str(CHART), "--namespace", SYSTEM, "--values", str(everything))


@pytest.mark.parametrize("values", ["", EVERYTHING], ids=["defaults", "everything"])
def test_every_object_is_as_the_api_servers_schemas_ask_for(
    helm: Helm, tools: Path, schemas: Path, tmp_path: Path, values: str
) -> None:
    (tmp_path / "values.yaml").write_text(values)
    objects = rendered(helm, "--values", str(tmp_path / "values.yaml"))
    (tmp_path / "objects.yaml").write_text(yaml.safe_dump_all(objects))
    place = f"{schemas}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"
    command = [
        str(tools / "kubeconform"),
        "-strict",
        "-summary",
        "-schema-location",
        place,
        str(tmp_path / "objects.yaml"),
    ]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=120)

    assert checked.returncode == 0, checked.stdout
    assert f"Valid: {len(objects)}, Invalid: 0, Errors: 0, Skipped: 0" in checked.stdout


def test_values_reach_the_objects(helm: Helm, everything: Path) -> None:
    objects = by_name(rendered(helm, "--values", str(everything)))
    deployment = objects["Deployment/merchantroute-operator"]["spec"]
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    assert deployment["replicas"] == 3
    assert container["image"] == f"registry.example:5000/team/merchantroute-operator@sha256:{'0' * 64}"
    assert container["imagePullPolicy"] == "Always"
    variables = {each["name"]: each.get("value") for each in container["env"]}
    assert (variables["MR_OPERATOR_RESYNC_SECONDS"], variables["MR_OPERATOR_TICK_SECONDS"]) == ("60", "0.5")
    assert variables["MR_OPERATOR_BROKER_NAMESPACES"] == "@own, messaging"
    assert container["resources"]["limits"] == {"memory": "2Gi"}
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert pod["priorityClassName"] == "system-cluster-critical"
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert pod["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert pod["tolerations"] == [{"key": "system", "operator": "Exists"}]
    assert "nodeAffinity" in pod["affinity"]
    assert deployment["template"]["metadata"]["labels"]["team"] == "platform"
    assert deployment["template"]["metadata"]["annotations"] == {"team.example/note": "1"}
    assert "PriorityClass/merchantroute-operator" not in objects
    labels = objects["ClusterRole/merchantroute-edit"]["metadata"]["labels"]
    assert labels["rbac.authorization.k8s.io/aggregate-to-edit"] == "false"
    account = objects["ServiceAccount/merchantroute-operator"]["metadata"]
    assert account["annotations"] == {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}


def test_what_is_switched_off_is_not_there_and_a_pod_monitor_is_where_it_is_asked_for(helm: Helm) -> None:
    off = "podDisruptionBudget.enabled=false,metrics.service.enabled=false,metrics.podMonitor.enabled=true"
    objects = by_name(rendered(helm, "--set", off))
    assert "PodDisruptionBudget/merchantroute-operator" not in objects
    assert "Service/merchantroute-operator-metrics" not in objects
    assert objects["PodMonitor/merchantroute-operator"]["spec"]["podMetricsEndpoints"] == [
        {"port": "metrics", "interval": "30s"}
    ]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("repplicas=3", "additional properties 'repplicas' not allowed"),
        ("replicas=two", "'/replicas': got string, want integer"),
        ("image.pullPolicy=Sometimes", "'/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'"),
        ("image.repository=registry.example/operator:1", "'/image/repository'"),
        ("image.digest=sha256:1", "'/image/digest'"),
        ("namespaces={Orders}", "'/namespaces/0': 'Orders' does not match pattern"),
        ("settings.healthPort=1", "invalid propertyName 'healthPort'"),
        ("settings.MR_OPERATOR_TICK_SECONDS=1", "invalid propertyName 'MR_OPERATOR_TICK_SECONDS'"),
        ("settings.resyncSeconds=0", "'/settings/resyncSeconds': exclusiveMinimum"),
        ("settings.brokerNamespaces=1", "'/settings/brokerNamespaces': got number, want string"),
        ("priorityClass.name=", "'/priorityClass/name': minLength"),
        ("rbac.aggregate=maybe", "'/rbac/aggregate': got string, want boolean"),
        ("metrics.podMonitor.interval=30", "'/metrics/podMonitor/interval': got number, want string"),
        ("imagePullSecrets[0]=registry", "'/imagePullSecrets/0': got string, want object"),
    ],
)
def test_a_wrong_value_is_named(helm: Helm, value: str, words: str) -> None:
    with pytest.raises(Refused) as refused:
        rendered(helm, "--set", value)
    assert words in str(refused.value)


def test_every_value_has_a_type_and_a_word_of_explanation() -> None:
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    def untyped(values: dict[str, Any], schema: dict[str, Any], path: str) -> list[str]:
        known = schema.get("properties", {})
        found = [path + name for name in values if name not in known]
        for name in values.keys() & known.keys():
            if not (
                known[name].keys() & {"type", "enum"} and (known[name].get("description") or "type" in known[name])
            ):
                found.append(path + name)
            if isinstance(values[name], dict) and "properties" in known[name]:
                found += untyped(values[name], known[name], f"{path}{name}.")
        return found

    assert untyped(values, schema, "") == []
    assert [name for name, of in schema["properties"].items() if not of.get("description")] == []


def test_a_release_comes_changes_goes_back_and_goes(helm: Helm, server: ApiServer) -> None:
    """Helm installs the definitions once, and never touches them, or what is stored, after that."""
    release = ("merchantroute", str(CHART), "--namespace", SYSTEM)
    helm("install", *release, "--create-namespace", server=server)
    first = server.call("GET", DEPLOYMENT)["spec"]
    assert first["replicas"] == 2
    server.apply(f"{ROUTES}/pos", route())

    kubectl(server, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=helm("show", "crds", str(CHART)))
    helm("upgrade", *release, "--set", "replicas=3,settings.resyncSeconds=60", server=server)
    changed = server.call("GET", DEPLOYMENT)["spec"]
    assert changed["replicas"] == 3
    assert {"name": "MR_OPERATOR_RESYNC_SECONDS", "value": "60"} in changed["template"]["spec"]["containers"][0]["env"]

    helm("rollback", "merchantroute", "1", "--namespace", SYSTEM, server=server)
    assert server.call("GET", DEPLOYMENT)["spec"] == first

    helm("uninstall", "merchantroute", "--namespace", SYSTEM, server=server)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        server.call("GET", DEPLOYMENT)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        server.call("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/merchantroute-operator")
    assert server.call("GET", f"{ROUTES}/pos")["spec"]["defaultTier"] == "standard"
    with pytest.raises(AssertionError, match="every route would go with this definition"):
        kubectl(server, "delete", "crd", "merchantroutes.merchantroute.dev", "--dry-run=server")

    helm("install", *release, server=server)
    assert server.call("GET", DEPLOYMENT)["spec"] == first


def test_what_kustomize_installed_is_taken_over_by_helm_where_that_is_asked_for(helm: Helm, server: ApiServer) -> None:
    release = ("merchantroute", str(CHART), "--namespace", SYSTEM)
    helm("uninstall", "merchantroute", "--namespace", SYSTEM, "--ignore-not-found", server=server)
    kubectl(server, "apply", "--server-side", "--force-conflicts", "-k", str(ROOT / "manifests" / "base"))

    with pytest.raises(Refused, match="exists and cannot be imported"):
        helm("install", *release, server=server)
    helm("install", *release, "--take-ownership", server=server)

    assert server.call("GET", DEPLOYMENT)["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    helm("uninstall", "merchantroute", "--namespace", SYSTEM, server=server)


def route() -> dict[str, Any]:
    """A route, as a user writes it."""
    return {
        "apiVersion": "merchantroute.dev/v1alpha1",
        "kind": "MerchantRoute",
        "metadata": {"name": "pos", "namespace": "default"},
        "spec": {
            "broker": {"secretRef": {"name": "rabbitmq"}},
            "worker": {"image": "worker:1"},
            "defaultTier": "standard",
            "tiers": [{"name": "standard"}],
        },
    }
