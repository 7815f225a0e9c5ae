"""What is read from the API server, and that what is missing is None."""

import json
from datetime import datetime

from merchantroute_kit.waiting import until_async
from merchantroute_operator.kube.client import KubeClient
from merchantroute_operator.kube.kube_port import Autoscaler, Object
from merchantroute_operator.naming import deployment as a_deployment
from merchantroute_operator.naming import labels
from tests.contract.kube.bodies import LABELS, config_map, deployment, secret
from tests.harness.cluster import Kubectl

LABELLED = {"merchantroute.dev/credentials": "true"}


async def test_a_cluster_is_told_by_a_uid_that_stays(kube: KubeClient, kubectl: Kubectl) -> None:
    told = await kube.cluster_id()
    assert told == kubectl("get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}")


async def test_a_stored_route_is_read_whole(kube: KubeClient, route: Object, namespace: str) -> None:
    assert route["kind"] == "MerchantRoute"
    assert route["metadata"]["namespace"] == namespace
    assert route["spec"]["tiers"][0]["name"] == "standard"


async def test_what_is_not_there_is_none(kube: KubeClient, definition: str, namespace: str) -> None:
    assert await kube.route(namespace, "nobody") is None
    assert await kube.route("no-such-namespace", "nobody") is None
    assert await kube.secret(namespace, "nobody") is None
    assert await kube.secret(namespace, "") is None
    assert await kube.credential_secrets(namespace) == {}
    children = await kube.children(namespace, "nobody")
    assert (children.deployments, children.config_maps, children.secrets, children.pods) == ({}, {}, {}, {})
    assert children.auxiliaries == {"ServiceAccount": {}, "PodDisruptionBudget": {}, "NetworkPolicy": {}}


async def test_autoscalers_are_told_by_their_target_also_where_nobody_knows_keda(
    kube: KubeClient, namespace: str, kubectl: Kubectl
) -> None:
    assert await kube.autoscalers(namespace) == []
    await kube.create_deployment(deployment(namespace), 0)
    kubectl("autoscale", "deployment", "pos-lane", "--max=3", "--name=theirs", "-n", namespace)
    assert await kube.autoscalers(namespace) == [Autoscaler("HorizontalPodAutoscaler", "theirs", "pos-lane")]


async def test_a_secret_is_read_decoded_and_never_printed(kube: KubeClient, namespace: str) -> None:
    stored = await kube.apply(secret(namespace, labels={"team": "burgers"}, token="hunter2", username="ü"))

    read = await kube.secret(namespace, "burgerhut-pos")

    assert read is not None
    assert read.data == {"token": b"hunter2", "username": "ü".encode()}
    assert read.labels == {"team": "burgers"}
    assert read.version == stored["metadata"]["resourceVersion"]
    assert "hunter2" not in repr(read)


async def test_a_secret_without_data_is_empty(kube: KubeClient, namespace: str) -> None:
    await kube.apply(secret(namespace))
    read = await kube.secret(namespace, "burgerhut-pos")
    assert read is not None
    assert (read.data, read.labels) == ({}, {})


async def test_only_labelled_secrets_may_hold_merchants_credentials(kube: KubeClient, namespace: str) -> None:
    await kube.apply(secret(namespace, "ours", LABELLED, token="a"))
    await kube.apply(secret(namespace, "brokers", None, password="b"))
    await kube.apply(secret(namespace, "off", {"merchantroute.dev/credentials": "false"}, token="c"))

    found = await kube.credential_secrets(namespace)

    assert found.keys() == {"ours"}
    assert found["ours"].data == {"token": b"a"}


async def test_children_are_found_by_the_routes_label_alone(kube: KubeClient, namespace: str) -> None:
    await kube.create_deployment(deployment(namespace), 0)
    await kube.apply(config_map(namespace, {"index.json": "{}"}))
    await kube.apply(secret(namespace, "pos-credentials", LABELS, a="b"))
    other = config_map(namespace, {}, "other")
    other["metadata"]["labels"] = {"merchantroute.dev/route": "pos2"}
    await kube.apply(other)

    children = await kube.children(namespace, "pos")

    assert children.deployments.keys() == {"pos-lane"}
    assert children.config_maps["pos-config"]["data"] == {"index.json": "{}"}
    assert children.secrets.keys() == {"pos-credentials"}
    assert children.pods == {}


async def test_the_api_servers_clock_is_that_of_its_answers(kube: KubeClient) -> None:
    assert kube.server_time() is None
    namespace = await kube.api.call("GET", "/api/v1/namespaces/kube-system", kind="Namespace", name="kube-system")
    born = datetime.fromisoformat(namespace["metadata"]["creationTimestamp"]).timestamp()
    time = kube.server_time()
    assert time is not None
    assert time > born


async def test_of_the_pods_with_the_routes_label_those_that_its_deployments_made_are_its_own(
    kube: KubeClient, namespace: str, kubectl: Kubectl
) -> None:
    """Not a person's, and not a Job's. They stay its own when the Deployment has gone before them."""
    lane = labels("pos", "standard", "stable")
    body = deployment(namespace, name=a_deployment("pos", "standard", "stable"))
    for part in (body["metadata"], body["spec"]["template"]["metadata"]):
        part["labels"] = lane
    body["spec"]["selector"]["matchLabels"] = lane
    pod = body["spec"]["template"]["spec"]
    mine = {"name": "alone", "labels": {**LABELS, "role": "debug"}}
    alone = {"apiVersion": "v1", "kind": "Pod", "metadata": mine, "spec": pod}
    job_pod = {"metadata": {"labels": lane}, "spec": {**pod, "restartPolicy": "Never"}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "report"}, "spec": {"template": job_pod}}
    for other in (alone, job):
        kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(other))
    await kube.create_deployment(body, 1)

    await until_async(lambda: len(of_label(kubectl, namespace)) == 3, "three pods", in_thread=True)
    (own,) = (await kube.children(namespace, "pos")).pods
    assert own.startswith(a_deployment("pos", "standard", "stable"))

    kubectl("delete", "deployment", body["metadata"]["name"], "-n", namespace, "--cascade=orphan")
    assert (await kube.children(namespace, "pos")).pods.keys() == {own}


def of_label(kubectl: Kubectl, namespace: str) -> list[str]:
    """All pods with the route's label."""
    return kubectl("get", "pods", "-n", namespace, "-l", "merchantroute.dev/route=pos", "-o", "name").split()
