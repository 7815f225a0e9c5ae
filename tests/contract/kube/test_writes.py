"""What is written: only what differs costs a version, foreign fields stay, what is gone is no error."""

import asyncio
import itertools
import json

import pytest

from merchantroute_operator.errors import KubeConflict, KubeForbidden, KubeInvalid
from merchantroute_operator.kube.client import KubeClient
from merchantroute_operator.kube.kube_port import Object
from tests.contract.kube.bodies import config_map, deployment, secret
from tests.harness.cluster import Kubectl

FINALIZER = "merchantroute.dev/finalizer"
CONDITION = {
    "type": "Ready", "status": "True", "reason": "AllGood", "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z",
    "observedGeneration": 1,
}  # fmt: skip


async def test_applying_the_same_again_stores_nothing(kube: KubeClient, namespace: str) -> None:
    first = await kube.apply(config_map(namespace, {"a": "1"}))
    again = await kube.apply(config_map(namespace, {"a": "1"}))
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_an_apply_removes_what_it_wants_no_more_and_leaves_what_is_not_its_own(
    kube: KubeClient, namespace: str, kubectl: Kubectl
) -> None:
    await kube.apply(config_map(namespace, {"a": "1", "b": "2"}))
    kubectl("-n", namespace, "annotate", "configmap/pos-config", "team=burgers")

    stored = await kube.apply(config_map(namespace, {"a": "3"}))

    assert stored["data"] == {"a": "3"}
    assert stored["metadata"]["annotations"] == {"team": "burgers"}


async def test_an_apply_takes_back_what_somebody_changed(kube: KubeClient, namespace: str, kubectl: Kubectl) -> None:
    await kube.apply(config_map(namespace, {"a": "1"}))
    kubectl("-n", namespace, "patch", "configmap/pos-config", "--type=merge", "-p", '{"data": {"a": "2"}}')
    assert (await kube.apply(config_map(namespace, {"a": "1"})))["data"] == {"a": "1"}


async def test_a_dry_run_stores_nothing_and_says_what_is_wrong(kube: KubeClient, namespace: str) -> None:
    await kube.dry_run(deployment(namespace))
    assert (await kube.children(namespace, "pos")).deployments == {}

    wrong = deployment(namespace)
    wrong["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}
    with pytest.raises(KubeInvalid) as caught:
        await kube.dry_run(wrong)
    assert "pos-lane" in str(caught.value)
    assert "must be less than or equal to cpu limit" in str(caught.value)


async def test_a_field_of_the_wrong_type_is_invalid(kube: KubeClient, namespace: str) -> None:
    wrong = deployment(namespace)
    wrong["spec"]["template"]["spec"]["containers"] = "worker"
    with pytest.raises(KubeInvalid, match="pos-lane"):
        await kube.dry_run(wrong)


async def test_a_quota_refuses_with_its_own_words(kube: KubeClient, namespace: str, kubectl: Kubectl) -> None:
    async def fill() -> None:
        for number in itertools.count():  # a new quota counts a moment later
            await kube.apply(config_map(namespace, {}, f"config-{number}"))

    kubectl("-n", namespace, "create", "quota", "none", "--hard=count/configmaps=0")
    with pytest.raises(KubeForbidden, match="exceeded quota"):
        await asyncio.wait_for(fill(), 30)


async def test_deleting_twice_is_fine(kube: KubeClient, namespace: str) -> None:
    await kube.create_deployment(deployment(namespace), 0)
    await kube.apply(config_map(namespace, {}))
    await kube.apply(secret(namespace, "pos-credentials"))
    for _ in range(2):
        await kube.delete("Deployment", namespace, "pos-lane")
        await kube.delete("ConfigMap", namespace, "pos-config")
        await kube.delete("Secret", namespace, "pos-credentials")
    children = await kube.children(namespace, "pos")
    assert (children.deployments, children.config_maps) == ({}, {})
    assert await kube.secret(namespace, "pos-credentials") is None


async def test_pods_are_annotated_and_those_that_are_gone_are_skipped(
    kube: KubeClient, namespace: str, kubectl: Kubectl
) -> None:
    template = deployment(namespace)["spec"]["template"]
    names = [f"pod-{number}" for number in range(12)]
    for name in names:
        await kube.apply(
            {"apiVersion": "v1", "kind": "Pod", **template,
             "metadata": {"name": name, "namespace": namespace, **template["metadata"], "annotations": {"own": "x"}}}
        )  # fmt: skip

    await kube.annotate_pods(namespace, ["gone", *names], {"merchantroute.dev/config-generation": "7"})

    listed = json.loads(kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"]
    told = {pod["metadata"]["name"]: pod["metadata"]["annotations"] for pod in listed}
    assert told == {name: {"own": "x", "merchantroute.dev/config-generation": "7"} for name in names}


async def test_a_status_is_written_whole_and_shows_in_the_route(
    kube: KubeClient, route: Object, namespace: str
) -> None:
    paused = {**CONDITION, "type": "Paused", "status": "False"}
    await kube.write_status(route, {"observedGeneration": 1, "conditions": [CONDITION, paused]})
    stored = await kube.route(namespace, "pos")
    assert stored is not None
    assert [c["type"] for c in stored["status"]["conditions"]] == ["Ready", "Paused"]

    await kube.write_status(route, {"observedGeneration": 2, "conditions": [CONDITION]})

    stored = await kube.route(namespace, "pos")
    assert stored is not None
    assert stored["status"] == {"observedGeneration": 2, "conditions": [CONDITION]}
    assert stored["metadata"]["generation"] == 1


async def test_a_status_finds_a_route_that_others_have_changed_since_it_was_read(
    kube: KubeClient, route: Object, definition: str, namespace: str, kubectl: Kubectl
) -> None:
    kubectl("-n", namespace, "annotate", definition, "pos", "team.example/note=theirs")

    version = await kube.write_status(route, {"observedGeneration": 1})

    stored = await kube.route(namespace, "pos")
    assert stored is not None
    assert (stored["status"], stored["metadata"]["resourceVersion"]) == ({"observedGeneration": 1}, version)
    assert stored["metadata"]["annotations"]["team.example/note"] == "theirs"


async def test_the_status_of_a_deleted_route_is_not_written_to_another_of_its_name(
    kube: KubeClient, route: Object, definition: str, namespace: str, kubectl: Kubectl
) -> None:
    metadata = {"name": "pos", "namespace": namespace}
    kubectl("-n", namespace, "delete", definition, "pos")
    again = {key: route[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": metadata}
    kubectl("create", "-f", "-", stdin=json.dumps(again))

    with pytest.raises(KubeConflict, match="another one has been made"):
        await kube.write_status(route, {"observedGeneration": 7})

    stored = await kube.route(namespace, "pos")
    assert stored is not None
    assert stored.get("status", {}).get("observedGeneration") != 7


async def test_a_status_that_the_definition_refuses_is_invalid(kube: KubeClient, route: Object, namespace: str) -> None:
    with pytest.raises(KubeInvalid, match="observedGeneration"):
        await kube.write_status(route, {"observedGeneration": "seven"})


async def test_the_status_of_a_route_that_is_gone_is_nobodys(kube: KubeClient, definition: str, namespace: str) -> None:
    metadata = {"namespace": namespace, "name": "gone", "uid": "u-1", "resourceVersion": "1"}
    assert await kube.write_status({"metadata": metadata}, {"observedGeneration": 1}) == ""
    assert await kube.route(namespace, "gone") is None


async def test_finalizers_are_replaced_only_in_the_route_that_was_read(
    kube: KubeClient, route: Object, namespace: str
) -> None:
    await kube.set_finalizers(route, ["team.example/theirs", FINALIZER])
    stored = await kube.route(namespace, "pos")
    assert stored is not None
    assert stored["metadata"]["finalizers"] == ["team.example/theirs", FINALIZER]

    with pytest.raises(KubeConflict, match="pos"):
        await kube.set_finalizers(route, [])
    await kube.set_finalizers(stored, [])

    stored = await kube.route(namespace, "pos")
    assert stored is not None
    assert "finalizers" not in stored["metadata"]


async def test_an_annotation_is_removed_only_from_the_route_that_was_read_and_no_other_with_it(
    kube: KubeClient, route: Object, definition: str, namespace: str, kubectl: Kubectl
) -> None:
    kubectl("-n", namespace, "annotate", definition, "pos", "team.example/note=theirs", "example.dev/ours=1")
    stored = await kube.route(namespace, "pos")
    assert stored is not None
    with pytest.raises(KubeConflict, match="pos"):
        await kube.drop_annotation(route, "example.dev/ours")
    await kube.drop_annotation(stored, "example.dev/ours")

    stored = await kube.route(namespace, "pos")
    assert stored is not None
    assert "example.dev/ours" not in stored["metadata"]["annotations"]
    assert stored["metadata"]["annotations"]["team.example/note"] == "theirs"


async def test_the_last_finalizer_lets_a_deleted_route_go(
    kube: KubeClient, route: Object, definition: str, namespace: str, kubectl: Kubectl
) -> None:
    await kube.set_finalizers(route, [FINALIZER])
    kubectl("-n", namespace, "delete", definition, "pos", "--wait=false")
    leaving = await kube.route(namespace, "pos")
    assert leaving is not None
    assert "deletionTimestamp" in leaving["metadata"]

    await kube.set_finalizers(leaving, [])

    assert await kube.route(namespace, "pos") is None
    await kube.set_finalizers(leaving, [])
