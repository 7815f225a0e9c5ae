"""A route's configuration in more and in fewer objects: no pod is replaced without need, and each reads a whole one."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256
from typing import Any

import pytest

from merchantroute_operator import naming
from merchantroute_operator.errors import KubeForbidden
from merchantroute_operator.kube.kube_port import Kind, Object
from merchantroute_operator.resources.configuration.sharding import GROW_ABOVE, OBJECT, Sharding, mounted_by
from merchantroute_operator.resources.workload.deployment import deployment
from merchantroute_operator.spec.lane_specs import lanes
from merchantroute_operator.spec.parse import parse
from tests.unit.operator.operator_under_test import KEY, World
from tests.unit.operator.pod_samples import a_pod
from tests.unit.operator.route_samples import CLUSTER, raw_route

ONE, SIXTEEN = Sharding(0, 0), Sharding(1, 1)
LONG = "x" * 400
FEW = {"hut": "enterprise"}
NAME = naming.deployment("pos", "standard", "stable")


def many(size: int) -> dict[str, str]:
    """Merchants whose entries are ``size`` bytes and a little more."""
    return {f"m{number}-{LONG}": "standard" for number in range(size // 900 + 1)}


def names(world: World, kind: str, marker: str) -> set[str]:
    return {name for its_kind, name in world.kube.objects if its_kind == kind and f"-mr-{marker}" in name}


def objects(world: World) -> tuple[int, int]:
    """ConfigMaps and Secrets of the configuration."""
    return len(names(world, "ConfigMap", "config")), len(names(world, "Secret", "credentials"))


def mounts(world: World, name: str = NAME) -> Sharding | None:
    return mounted_by("pos", world.kube.objects["Deployment", name]["spec"]["template"])


def start_pod(world: World, name: str) -> None:
    """A ready pod of the lane's present template."""
    template = world.kube.objects["Deployment", NAME]["spec"]["template"]
    world.kube.objects["Pod", name] = {**a_pod(name), "spec": deepcopy(template["spec"])}


def files(world: World, pod: str) -> tuple[dict[str, str], dict[str, str]]:
    """What the kubelet shows the pod: configuration and credentials. KeyError, where an object is missing."""
    config, credentials, *_ = world.kube.objects["Pod", pod]["spec"]["volumes"]
    shown: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for source in config["projected"]["sources"]:
        shown[0].update(world.kube.objects["ConfigMap", source["configMap"]["name"]]["data"])
    for source in credentials["projected"]["sources"]:
        data = world.kube.objects["Secret", source["secret"]["name"]]["data"]
        shown[1].update({name: b64decode(text).decode() for name, text in data.items()})
    return shown


def loaded(world: World, pod: str) -> tuple[int, set[str]]:
    """The generation that the pod can load, as a worker does, and its merchants."""
    config, credentials = files(world, pod)
    index, keys = json.loads(config["index.json"]), json.loads(credentials["index.json"])
    assert index["credentialsGeneration"] == keys["generation"]
    for shown, sums in ((config, index["files"]), (credentials, keys["files"])):
        assert {name: sha256(shown[name].encode()).hexdigest() for name in sums} == sums
    lists = [json.loads(config[name])["merchants"] for name in index["files"] if name.startswith("merchants-")]
    return index["generation"], {merchant for each in lists for merchant in each}


def restarted(world: World) -> World:
    """With an operator that knows only what is there."""
    world.start()
    return world


def of_before(**spec: Any) -> World:
    """A route as the version with sixteen shards of each left it, and a pod of its."""
    world = World(raw_route(**{"merchants": FEW, **spec}))
    world.look()
    shard_by(world, SIXTEEN)
    start_pod(world, "old")
    return restarted(world)


def shard_by(world: World, sharding: Sharding) -> None:
    """The same route, with other objects: what its Deployments mount is what the operator keeps to."""
    assert world.kube.stored is not None
    route = parse(world.kube.stored)
    for lane in lanes(route):
        body = deployment(route, lane.tier, lane.name, CLUSTER, sharding)
        replicas = world.kube.objects["Deployment", lane.deployment]["spec"]["replicas"]
        world.kube.objects["Deployment", lane.deployment] = {**body, "spec": {**body["spec"], "replicas": replicas}}
    world.look()


def generation(world: World) -> int:
    return int(world.kube.status["configGeneration"])


def test_a_new_route_has_one_configmap_and_one_secret() -> None:
    world = World(raw_route(merchants=FEW))
    world.look()
    assert names(world, "ConfigMap", "config") == {"pos-mr-config"}
    assert names(world, "Secret", "credentials") == {"pos-mr-credentials"}
    start_pod(world, "new")
    assert loaded(world, "new") == (1, {"hut"})


def test_a_route_of_the_version_before_keeps_its_objects_and_its_pods() -> None:
    world = of_before()
    world.look()
    assert objects(world) == (16, 16)
    assert mounts(world) == SIXTEEN
    world.look()
    assert world.log == []


def test_it_goes_over_to_one_pair_when_its_pods_are_replaced_for_another_reason() -> None:
    world = of_before()
    before = generation(world)
    world.change(merchants=FEW, worker={"image": "worker:2", "app": "merchantroute_worker.app"})
    world.look()
    assert mounts(world) == ONE
    assert objects(world) == (17, 17)
    start_pod(world, "new")
    assert loaded(world, "old") == loaded(world, "new") == (before, {"hut"})

    world.change(
        merchants={**FEW, "sushi": "standard"}, worker={"image": "worker:2", "app": "merchantroute_worker.app"}
    )
    world.look()
    assert loaded(world, "old") == loaded(world, "new") == (before + 1, {"hut", "sushi"})
    assert objects(world) == (17, 17)

    del world.kube.objects["Pod", "old"]
    world.look()
    assert objects(world) == (1, 1)
    assert loaded(world, "new") == (before + 1, {"hut", "sushi"})
    world.look()
    assert world.log == []


def test_what_replaces_no_pod_changes_no_objects() -> None:
    world = of_before()
    rollout = {"maxSurge": 3}
    world.change(merchants=FEW, worker={"image": "worker:1", "app": "merchantroute_worker.app", "rollout": rollout})
    world.look()
    assert world.kube.objects["Deployment", NAME]["spec"]["strategy"]["rollingUpdate"]["maxSurge"] == 3
    assert mounts(world) == SIXTEEN
    assert objects(world) == (16, 16)


def test_a_route_is_looked_at_until_the_objects_of_before_are_gone() -> None:
    world = of_before()
    world.change(merchants=FEW, worker={"image": "worker:2", "app": "merchantroute_worker.app"})
    world.look()
    start_pod(world, "new")
    for pod in ("old", "new"):
        world.pulse(pod, generation(world))
    world.look()
    assert not world.reconciler.states[KEY].schedule.settled
    del world.kube.objects["Pod", "old"]
    world.look()
    world.look()
    assert world.reconciler.states[KEY].schedule.settled


def test_only_the_lane_that_is_replaced_goes_over_and_the_others_keep_what_they_mount() -> None:
    world = of_before()
    tiers = ({"name": "enterprise", "allowedMerchants": ["*"], "image": "worker:2"}, "standard")
    world.change(merchants=FEW, tiers=tiers)
    world.look()
    assert mounts(world, naming.deployment("pos", "enterprise", "stable")) == ONE
    assert mounts(world) == SIXTEEN
    world.look()
    assert objects(world) == (17, 17)


def test_the_objects_of_pods_that_a_replicaset_may_still_make_stay() -> None:
    world = of_before()
    del world.kube.objects["Pod", "old"]
    world.change(merchants=FEW, worker={"image": "worker:2", "app": "merchantroute_worker.app"})
    world.look()
    deployed = world.kube.objects["Deployment", NAME]
    for status in ({"replicas": 2, "updatedReplicas": 1}, {}):
        deployed["status"] = {"observedGeneration": 2, **status}
        deployed["metadata"]["generation"] = 2 if status else 3
        world.look()
        assert objects(world) == (17, 17)
    deployed["status"] = {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2}
    world.look()
    assert objects(world) == (1, 1)


def test_a_pod_that_has_ended_holds_up_nothing() -> None:
    world = of_before()
    world.change(merchants=FEW, worker={"image": "worker:2", "app": "merchantroute_worker.app"})
    world.look()
    world.kube.objects["Pod", "old"]["status"]["phase"] = "Failed"
    world.look()
    assert objects(world) == (1, 1)


def test_a_route_that_grows_gets_sixteen_and_every_pod_reads_a_whole_configuration() -> None:
    world = World(raw_route(merchants=many(GROW_ABOVE // 2)))
    world.look()
    start_pod(world, "old")
    assert objects(world) == (1, 1)
    grown = many(GROW_ABOVE + 100_000)
    world.change(merchants=grown)
    world.look()
    assert mounts(world) == Sharding(1, 0)
    start_pod(world, "new")
    assert objects(world) == (17, 1)
    assert loaded(world, "old") == loaded(world, "new") == (generation(world), set(grown))
    del world.kube.objects["Pod", "old"]
    world.look()
    assert objects(world) == (16, 1)
    assert loaded(world, "new") == (generation(world), set(grown))
    world.look()
    assert world.log == []


def test_what_fits_into_no_object_leaves_old_pods_what_they_have() -> None:
    world = World(raw_route(merchants=FEW))
    world.look()
    start_pod(world, "old")
    before = files(world, "old")
    world.change(merchants=many(OBJECT + 100_000))
    world.look()
    start_pod(world, "new")
    assert files(world, "old") == before
    assert loaded(world, "old") == (1, {"hut"})
    assert loaded(world, "new")[0] == 2


def test_no_object_that_a_pod_mounts_is_missing_after_any_write(monkeypatch: pytest.MonkeyPatch) -> None:
    world = of_before()
    write: Callable[[Object], Any] = world.kube.apply
    remove = world.kube.delete
    seen = 0

    def check() -> None:
        nonlocal seen
        seen += 1
        for kind, name in list(world.kube.objects):
            if kind == "Pod":
                assert all(shown["index.json"] for shown in files(world, name))

    async def apply(body: Object) -> Object:
        stored: Object = await write(body)
        if body["kind"] == "Deployment" and body["metadata"]["name"] == NAME:
            start_pod(world, "new")
        check()
        return stored

    async def delete(kind: Kind, namespace: str, name: str) -> None:
        await remove(kind, namespace, name)
        check()

    monkeypatch.setattr(world.kube, "apply", apply)
    monkeypatch.setattr(world.kube, "delete", delete)
    world.change(merchants=FEW, worker={"image": "worker:2", "app": "merchantroute_worker.app"})
    world.look()
    del world.kube.objects["Pod", "old"]
    world.look()
    assert objects(world) == (1, 1)
    assert seen > 32


def test_after_an_operator_of_the_version_before_the_count_goes_on() -> None:
    """It does not know the one pair, leaves it, and writes sixteen objects of its own, of a higher generation."""
    world = World(raw_route(merchants=FEW))
    world.look()
    stale = {key: deepcopy(body) for key, body in world.kube.objects.items() if key[0] in ("ConfigMap", "Secret")}
    for key in stale:
        del world.kube.objects[key]
    shard_by(world, SIXTEEN)
    world.change(merchants={**FEW, "sushi": "standard"})
    world.look()
    start_pod(world, "old")
    world.kube.objects |= stale
    known = generation(world)
    world.change(merchants=FEW, worker={"image": "worker:2", "app": "merchantroute_worker.app"})
    restarted(world).look()
    start_pod(world, "new")
    assert mounts(world) == ONE
    assert loaded(world, "old") == loaded(world, "new") == (known + 1, {"hut"})


def test_objects_that_cannot_be_removed_are_told_and_stop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = of_before()
    world.change(merchants=FEW, worker={"image": "worker:2", "app": "merchantroute_worker.app"})
    world.look()
    del world.kube.objects["Pod", "old"]
    ready = world.condition()

    async def delete(kind: Kind, namespace: str, name: str) -> None:
        raise KubeForbidden(f"{kind} {name}: may not delete in {namespace}")

    monkeypatch.setattr(world.kube, "delete", delete)
    world.look()
    assert objects(world) == (17, 17)
    assert world.condition() == ready
    assert "may not delete" in world.condition("Progressing")[2]


def test_a_route_that_goes_takes_every_number_of_shards_along() -> None:
    world = of_before()
    world.change(merchants=FEW, worker={"image": "worker:2", "app": "merchantroute_worker.app"})
    world.look()
    del world.kube.objects["Pod", "old"]
    world.delete(policy="Force")
    for _ in range(6):
        world.at += 30
        world.look()
    assert objects(world) == (0, 0)
