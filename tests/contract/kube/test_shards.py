"""A route's configuration on a real API server: one pair of objects, sixteen, and the way from the one to the other."""

import json
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from merchantroute_kit.servers.api_server import ApiServer, api_server
from merchantroute_kit.waiting import until
from merchantroute_operator import naming
from merchantroute_operator.kube.client import KubeClient, connect
from merchantroute_operator.kube.kube_port import Children, Object
from merchantroute_operator.reconcile.reconciler import Reconciler
from merchantroute_operator.reconcile.state.broker_pool import BrokerPool
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.pulse_board import PulseBoard
from merchantroute_operator.resources.configuration.sharding import OBJECT, Sharding, mounted_by
from merchantroute_operator.resources.workload.deployment import deployment
from merchantroute_operator.spec.lane_specs import lanes
from merchantroute_operator.spec.parse import parse
from tests.contract.kube.bodies import secret
from tests.contract.kube.test_watches import established
from tests.unit.operator.fake_ports import MemoryBroker, OneBroker
from tests.unit.operator.pod_samples import worker_metadata
from tests.unit.operator.route_samples import CLUSTER, raw_route

CRDS = Path(__file__).parents[3] / "crds"
NAMESPACE = "default"
KEY = (NAMESPACE, "pos")
NAME = naming.deployment("pos", "standard", "stable")
LABEL = "x" * 60
ONE, SIXTEEN = Sharding(0, 0), Sharding(1, 1)


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    """One without controllers: a rollout is at the point where a test puts it."""
    with api_server() as made:
        for file in sorted(CRDS.glob("merchant*.yaml")):
            definition = yaml.safe_load(file.read_text())
            path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition['metadata']['name']}"
            made.apply(path, definition)
            until(partial(established, made, path), f"{file.name} is served")
        broker = secret(NAMESPACE, "rabbitmq", host="rabbit", port="5672", username="u", password="p4ss")
        made.apply(f"/api/v1/namespaces/{NAMESPACE}/secrets/rabbitmq", broker)
        yield made


class Operated:
    """The route ``pos`` and its operator, which makes full passes when it is told to."""

    def __init__(self, server: ApiServer, kube: KubeClient) -> None:
        self.server, self.kube = server, kube
        self.reconciler = Reconciler(
            Context(
                kube=kube,
                brokers=cast(BrokerPool, OneBroker(MemoryBroker([]))),
                pulses=PulseBoard(time.monotonic),
                cluster=CLUSTER,
                resync=25.0,
                monotonic=time.monotonic,
                wall=time.time,
            )
        )

    def wants(self, merchants: dict[str, str], image: str = "worker:1") -> None:
        spec = raw_route(merchants=merchants, worker={"image": image, "app": "merchantroute_worker.app"})["spec"]
        head = {"apiVersion": "merchantroute.dev/v1alpha1", "kind": "MerchantRoute"}
        path = f"/apis/merchantroute.dev/v1alpha1/namespaces/{NAMESPACE}/merchantroutes/pos"
        self.server.apply(path, {**head, "metadata": {"name": "pos"}, "spec": spec})

    async def passes(self, times: int = 3) -> Children:
        """So many full ones; what is there then."""
        for _ in range(times):
            self.reconciler.touch(KEY)
            await self.reconciler.reconcile(KEY)
        return await self.kube.children(*KEY)

    async def objects(self) -> tuple[int, int]:
        found = await self.kube.children(*KEY)
        return len(found.config_maps), len(found.secrets)

    async def mount(self, sharding: Sharding) -> None:
        """What a version with this sharding would have applied."""
        stored = await self.kube.route(*KEY)
        assert stored is not None
        route = parse(stored)
        for lane in lanes(route):
            await self.kube.apply(deployment(route, lane.tier, lane.name, CLUSTER, sharding))

    async def start_pod(self, name: str) -> None:
        """A pod of the Deployment's present template, as its ReplicaSet would make it."""
        template = (await self.kube.children(*KEY)).deployments[NAME]["spec"]["template"]
        metadata = worker_metadata(name, "standard", "stable")
        for owner in metadata["ownerReferences"]:
            owner.update(apiVersion="apps/v1", uid="11111111-2222-3333-4444-555555555555")
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        self.server.call("POST", f"/api/v1/namespaces/{NAMESPACE}/pods", body)

    async def roll_out(self) -> None:
        """Every Deployment says that all of its pods are of its present template."""
        for name, body in (await self.kube.children(*KEY)).deployments.items():
            status = {"observedGeneration": body["metadata"]["generation"], "replicas": 1, "updatedReplicas": 1}
            path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}/status"
            self.server.call("PATCH", path, {"status": status}, "application/merge-patch+json")

    def end_pod(self, name: str) -> None:
        self.server.call("DELETE", f"/api/v1/namespaces/{NAMESPACE}/pods/{name}?gracePeriodSeconds=0")

    async def loaded(self, pod: str) -> tuple[int, set[str]]:
        """The generation that the pod can load, as a worker does, and its merchants."""
        children = await self.kube.children(*KEY)
        config, keys = (
            {name: text for source in volume["projected"]["sources"] for name, text in shown(children, source).items()}
            for volume in children.pods[pod]["spec"]["volumes"][:2]
        )
        index, key_index = json.loads(config["index.json"]), json.loads(keys["index.json"])
        assert index["credentialsGeneration"] == key_index["generation"]
        for files, sums in ((config, index["files"]), (keys, key_index["files"])):
            assert {name: sha256(files[name].encode()).hexdigest() for name in sums} == sums
        lists = [json.loads(config[name])["merchants"] for name in index["files"] if name != "route.json"]
        return index["generation"], {merchant for each in lists for merchant in each}


def shown(children: Children, source: Object) -> dict[str, str]:
    """The files of one source of a projected volume."""
    if "configMap" in source:
        return dict(children.config_maps[source["configMap"]["name"]]["data"])
    data = children.secrets[source["secret"]["name"]]["data"]
    return {name: b64decode(text).decode() for name, text in data.items()}


@pytest.fixture
async def there(server: ApiServer) -> AsyncIterator[Operated]:
    """An operator over a route that the test makes, which goes with all that it had."""
    async with connect(str(server.kubeconfig)) as kube:
        yield Operated(server, kube)
        for path in ("merchantroute.dev/v1alpha1/{}/merchantroutes", "apps/v1/{}/deployments"):
            drop(server, "/apis/" + path.format(f"namespaces/{NAMESPACE}"))
        for kind in ("configmaps", "secrets", "pods"):
            drop(server, f"/api/v1/namespaces/{NAMESPACE}/{kind}")


def drop(server: ApiServer, path: str) -> None:
    """All objects of the route, without waiting for finalizers."""
    for body in server.call("GET", path)["items"]:
        name, labels = body["metadata"]["name"], body["metadata"].get("labels", {})
        if name == "pos" or labels.get(naming.LABEL_ROUTE) == "pos":
            finalizers = {"metadata": {"finalizers": None}}
            server.call("PATCH", f"{path}/{name}", finalizers, "application/merge-patch+json")
            server.call("DELETE", f"{path}/{name}?gracePeriodSeconds=0")


def sizes(children: Children) -> list[int]:
    return [sum(len(text.encode()) for text in body["data"].values()) for body in children.config_maps.values()]


async def test_a_route_has_one_pair_and_a_pass_over_it_writes_nothing(there: Operated) -> None:
    there.wants({"hut": "enterprise"})
    before = await there.passes()
    assert (set(before.config_maps), set(before.secrets)) == ({"pos-mr-config"}, {"pos-mr-credentials"})
    after = await there.passes()
    for kind, objects in before.by_kind().items():
        versions = {name: body["metadata"]["resourceVersion"] for name, body in objects.items()}
        assert {name: body["metadata"]["resourceVersion"] for name, body in after.by_kind()[kind].items()} == versions


async def test_the_objects_of_the_version_before_go_once_nothing_mounts_them(there: Operated) -> None:
    there.wants({"hut": "enterprise"})
    await there.passes()
    await there.mount(SIXTEEN)
    await there.roll_out()
    await there.passes()
    await there.start_pod("old")
    assert await there.objects() == (16, 16)
    first, _ = await there.loaded("old")

    there.wants({"hut": "enterprise"}, image="worker:2")
    children = await there.passes()
    assert {mounted_by("pos", body["spec"]["template"]) for body in children.deployments.values()} == {ONE}
    await there.start_pod("new")
    there.wants({"hut": "enterprise", "sushi": "standard"}, image="worker:2")
    await there.passes()
    assert await there.loaded("old") == await there.loaded("new") == (first + 1, {"hut", "sushi"})
    there.end_pod("old")
    await there.passes()
    assert await there.objects() == (17, 17)  # the Deployments have not said yet that they are done

    await there.roll_out()
    await there.passes()
    assert await there.objects() == (1, 1)
    assert await there.loaded("new") == (first + 1, {"hut", "sushi"})


async def test_two_thousand_merchants_of_the_longest_names_grow_into_sixteen_objects(there: Operated) -> None:
    there.wants({"hut": "enterprise"})
    await there.passes()
    await there.start_pod("old")
    merchants = {f"m{number:04}.{LABEL}.{LABEL}.{LABEL}": "standard" for number in range(2000)}
    there.wants(merchants)
    children = await there.passes()
    assert mounted_by("pos", children.deployments[NAME]["spec"]["template"]) == Sharding(1, 0)
    await there.start_pod("new")
    generation, known = await there.loaded("new")
    assert known == merchants.keys()
    assert (await there.loaded("old"))[0] in (generation - 1, generation)
    assert max(sizes(children)) < OBJECT

    there.end_pod("old")
    await there.roll_out()
    await there.passes()
    assert await there.objects() == (16, 1)
    assert await there.loaded("new") == (generation, set(merchants))


async def test_an_object_takes_what_the_rule_lets_into_it(there: Operated) -> None:
    """Just below what makes a route grow, with the API server's own limit as the judge."""
    there.wants({"hut": "enterprise"})
    await there.passes()
    merchants = {f"m{number:04}.{LABEL}.{LABEL[:30]}": "standard" for number in range(1700)}
    there.wants(merchants)
    children = await there.passes()
    assert await there.objects() == (1, 1)
    assert OBJECT // 4 < max(sizes(children)) <= OBJECT // 2 + 32_000


async def test_a_dry_run_tells_whether_pods_would_be_replaced(there: Operated) -> None:
    there.wants({"hut": "enterprise"})
    live = (await there.passes()).deployments[NAME]
    stored: Any = await there.kube.route(*KEY)
    route = parse(stored)
    same = deployment(route, route.tier("standard"), "stable", CLUSTER)
    assert (await there.kube.dry_run(same))["spec"]["template"] == live["spec"]["template"]
    slower = {**same, "spec": {**same["spec"], "minReadySeconds": 7}}
    assert (await there.kube.dry_run(slower))["spec"]["template"] == live["spec"]["template"]
    sixteen = deployment(route, route.tier("standard"), "stable", CLUSTER, SIXTEEN)
    assert (await there.kube.dry_run(sixteen))["spec"]["template"] != live["spec"]["template"]
