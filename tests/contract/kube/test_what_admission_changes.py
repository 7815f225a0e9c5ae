"""What mutating webhooks, GitOps tools and people add to our objects, on a real API server, is no repair for ever."""

import json
from pathlib import Path
from typing import Any, cast

from merchantroute_kit.waiting import until_async
from merchantroute_operator.kube.client import KubeClient
from merchantroute_operator.kube.kube_port import Kube, Object
from merchantroute_operator.reconcile.ports.repair_log import RepairLogKube
from merchantroute_operator.reconcile.state.seen import Seen
from merchantroute_operator.reconcile.steps.deployments import check_deployments, ensure_deployments
from merchantroute_operator.resources.configuration.sharding import ONE_PAIR
from merchantroute_operator.resources.foreign_fields import foreign_fields
from merchantroute_operator.spec.lane_specs import lanes
from merchantroute_operator.spec.route import Route
from tests.contract.kube.test_pod_templates import CLUSTER, a_route
from tests.contract.kube.webhook import mutating_webhook
from tests.harness.cluster import Kubectl

TEMPLATE = "/spec/template/spec"
PATCH: list[dict[str, Any]] = [
    {"op": "add", "path": f"{TEMPLATE}/initContainers", "value": [{"name": "injected", "image": "mesh:1"}]},
    {"op": "add", "path": f"{TEMPLATE}/tolerations", "value": [{"key": "spot", "operator": "Exists"}]},
    {"op": "add", "path": "/metadata/annotations/mesh.example~1injected", "value": "true"},
    {"op": "replace", "path": f"{TEMPLATE}/topologySpreadConstraints", "value": []},
]


class Passes:
    """Passes over the Deployments of a route, as the operator does them, with what it remembers between two."""

    def __init__(self, kube: KubeClient, namespace: str) -> None:
        self.kube, self.namespace = kube, namespace
        self.seen = Seen()

    async def run(self, route: Route) -> tuple[list[str], dict[str, Any]]:
        """One: the repairs that it tells, and the Deployments before it by name."""
        repairs: list[str] = []
        port = RepairLogKube(cast(Kube, self.kube), self.seen, repairs)
        children = await port.children(self.namespace, "pos")
        await check_deployments(cast(Kube, port), route, CLUSTER, children.deployments)
        mounts = dict.fromkeys((lane.deployment for lane in lanes(route)), ONE_PAIR)
        await ensure_deployments(cast(Kube, port), route, CLUSTER, children.deployments, mounts)
        port.settled()
        return repairs, dict(children.deployments)


def versions(deployments: dict[str, Object]) -> dict[str, int]:
    return {name: body["metadata"]["generation"] for name, body in deployments.items()}


async def test_what_a_webhook_changes_is_neither_applied_again_nor_told_as_a_repair(
    kube: KubeClient, namespace: str, kubectl: Kubectl, tmp_path: Path
) -> None:
    route = a_route(namespace, {}, tolerations=[{"key": "ours", "operator": "Exists"}])
    passes = Passes(kube, namespace)
    with mutating_webhook(kubectl, namespace, tmp_path, "deployments", PATCH) as called:
        probe = {"kind": "Deployment", "apiVersion": "apps/v1"}
        await until_async(lambda: counts(kubectl, namespace, called, probe), "the webhook to be called", in_thread=True)
        await passes.run(route)
        await passes.run(route)
        before = len(called)
        told, there = await passes.run(route)

        assert told == []
        template = next(iter(there.values()))["spec"]["template"]["spec"]
        assert template["initContainers"][0]["name"] == "injected"
        assert template["tolerations"] == [{"key": "spot", "operator": "Exists"}]
        assert len(called) == before
        assert not [words for body in there.values() for words in foreign_fields(body)]

        # What the spec asks for still reaches them.
        other = a_route(namespace, {}, tolerations=[{"key": "ours", "operator": "Exists"}], image="worker:2")
        told, _ = await passes.run(other)
        _, now = await passes.run(other)
        assert told == []
        assert {body["spec"]["template"]["spec"]["containers"][0]["image"] for body in now.values()} == {"worker:2"}


def counts(kubectl: Kubectl, namespace: str, called: list[str], head: Object) -> bool:
    """Whether the API server calls the webhook by now: it hears of a new one by a watch."""
    labels = {"app": "probe"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    body = {**head, "metadata": {"name": "probe", "annotations": {"a": "b"}}, "spec": spec}
    kubectl("apply", "-n", namespace, "--dry-run=server", "-f", "-", stdin=json.dumps(body), check=False)
    return bool(called)


async def test_labels_and_annotations_of_gitops_tools_and_people_stay_and_are_no_repair(
    kube: KubeClient, namespace: str, kubectl: Kubectl
) -> None:
    route = a_route(namespace, {})
    passes = Passes(kube, namespace)
    await passes.run(route)
    _, made = await passes.run(route)
    name = next(iter(made))
    kubectl("label", "deployment", name, "-n", namespace, "argocd.argoproj.io/instance=shop")
    kubectl("annotate", "deployment", name, "-n", namespace, "team.example/owner=pos")
    sidecar = {"spec": {"template": {"spec": {"containers": [{"name": "mesh", "image": "mesh:1"}]}}}}
    kubectl("patch", "deployment", name, "-n", namespace, "-p", json.dumps(sidecar))

    assert (await passes.run(route))[0] == []
    told, there = await passes.run(route)
    assert told == []

    body = there[name]
    assert body["metadata"]["labels"]["argocd.argoproj.io/instance"] == "shop"
    assert body["metadata"]["annotations"]["team.example/owner"] == "pos"
    assert {each["name"] for each in body["spec"]["template"]["spec"]["containers"]} == {"worker", "mesh"}
    assert versions(there) == versions((await passes.run(route))[1])
    assert any("containers[mesh]" in words for words in foreign_fields(body))  # told by Drifted, and kept
