"""The pods that a lane gets, and when their Deployment has to be applied again."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from merchantroute_operator.resources.differ import differs
from merchantroute_operator.resources.quantity import quantity
from merchantroute_operator.resources.workload.deployment import deployment
from merchantroute_operator.resources.workload.pod import BEFORE_SIGTERM
from merchantroute_operator.spec.lane_specs import suspect_tier
from merchantroute_operator.spec.sections.pods.pod_template import grace
from tests.unit.operator.route_samples import CLUSTER, a_route, raw_route

WORKER = {
    "image": "worker:1",
    "env": [{"name": "APP_KEY", "value": "1"}],
    "envFrom": [{"secretRef": {"name": "app"}}],
    "labels": {"team": "pos"},
    "annotations": {"note": "x"},
    "resources": {"requests": {"cpu": "0.5", "memory": "1Gi"}},
    "nodeSelector": {"zone": "a"},
    "tolerations": [{"key": "spot", "operator": "Exists"}],
    "imagePullSecrets": [{"name": "pull"}],
    "priorityClassName": "high",
    "volumes": [{"name": "ca", "configMap": {"name": "ca"}}],
    "volumeMounts": [{"name": "ca", "mountPath": "/ca"}],
    "affinity": {"nodeAffinity": {}},
}


ORDERS = raw_route()["spec"]["orders"]


def made(**changes: Any) -> dict[str, Any]:
    route = a_route(**changes)
    return deployment(route, route.tier("standard"), "stable", CLUSTER)


def pod_of(body: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = body["spec"]["template"]["spec"]
    return spec


def test_the_number_of_pods_is_left_to_the_scaler() -> None:
    assert "replicas" not in made()["spec"]


def test_a_pod_knows_its_lane_and_serves_its_probes() -> None:
    container = pod_of(made())["containers"][0]
    env = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert env == {
        "MR_NAMESPACE": "orders",
        "MR_ROUTE": "pos",
        "MR_TIER": "standard",
        "MR_LANE": "stable",
        "MR_PORT": "9090",
        "MR_POD": None,  # metadata.name
    }
    assert container["command"] == ["merchantroute-worker"]
    assert container["args"] == ["--app", "merchantroute_worker.app", "--pool", "gevent"]
    probes = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert probes == {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}


def test_a_pod_meets_the_restricted_pod_security_standard() -> None:
    pod = pod_of(made())
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False


def test_a_pod_mounts_all_of_configuration_credentials_and_broker() -> None:
    pod = pod_of(made(broker={"secretRef": {"name": "admin"}, "workerSecretRef": {"name": "plain"}}))
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    sources = [volumes[f"merchantroute-{name}"]["projected"]["sources"] for name in ("config", "credentials")]
    assert sources == [[{"configMap": {"name": "pos-mr-config"}}], [{"secret": {"name": "pos-mr-credentials"}}]]
    assert volumes["merchantroute-broker"]["secret"]["secretName"] == "plain"
    mounts = {mount["mountPath"]: mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts == {
        "/etc/merchantroute/config": "merchantroute-config",
        "/etc/merchantroute/credentials": "merchantroute-credentials",
        "/etc/merchantroute/broker": "merchantroute-broker",
        "/tmp": "merchantroute-tmp",  # noqa: S108 - the path in the pod, beside a read-only root
    }


def test_what_the_user_asks_for_is_in_the_pod() -> None:
    body = made(worker=WORKER)
    pod, template = pod_of(body), body["spec"]["template"]
    container = pod["containers"][0]
    assert template["metadata"]["labels"].items() >= {"team": "pos", "merchantroute.dev/route": "pos"}.items()
    assert template["metadata"]["annotations"] == {"note": "x"}
    assert container["env"][-1] == {"name": "APP_KEY", "value": "1"}
    assert container["volumeMounts"][-1] == {"name": "ca", "mountPath": "/ca"}
    assert pod["volumes"][-1] == {"name": "ca", "configMap": {"name": "ca"}}
    for name in ("envFrom", "resources"):
        assert container[name] == WORKER[name]
    for name in ("nodeSelector", "tolerations", "imagePullSecrets", "priorityClassName", "affinity"):
        assert pod[name] == WORKER[name]


@pytest.mark.parametrize(
    "changes",
    [
        {"merchants": {"m0": "standard"}},
        {"delays": ("1s",)},
        {"default": "enterprise"},
        {"defaultEndpoint": "https://x.example"},
        {"tiers": ["enterprise", {"name": "standard", "concurrency": 7}]},
        {"tiers": ["enterprise", {"name": "standard", "maxInFlightPerMerchant": 7}]},
        {"tiers": ["enterprise", {"name": "standard", "scaling": {"maxReplicas": 3}}]},
        {"orders": {**ORDERS, "callTimeout": "1s", "maxAge": "1h", "retry": {"maxAttempts": 2, "delays": ["5s"]}}},
        {"orders": {**ORDERS, "steps": [{"name": "other", "method": "GET", "path": "/"}]}},
        # the grace period grows in steps of 30 s
        {"orders": {**ORDERS, "deadline": "38s"}},
    ],
)
def test_what_pods_read_from_files_replaces_no_pod(changes: dict[str, Any]) -> None:
    assert made(**changes) == made()


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_slots_that_are_started_with_the_pod_are_given_to_it(pool: str) -> None:
    def arguments(concurrency: int) -> list[str]:
        body = made(tiers=["enterprise", {"name": "standard", "pool": pool, "concurrency": concurrency}])
        found: list[str] = pod_of(body)["containers"][0]["args"]
        return found

    assert arguments(4)[2:] == ["--pool", pool, "--concurrency", "4"]
    assert arguments(5) != arguments(4)


POST = ["celery", "-A", "shop.gcelery", "worker", "--pool", "gevent", "--concurrency", "$(MR_CONCURRENCY)"]


def test_a_command_of_its_own_takes_the_launcher_s_place_and_nobody_asks_its_pods() -> None:
    body = made(tiers=["enterprise", {"name": "standard", "concurrency": 7, "command": POST}])
    container = pod_of(body)["containers"][0]
    assert container["command"] == POST
    assert not container.keys() & {"args", "startupProbe", "livenessProbe", "readinessProbe"}
    assert body["spec"]["minReadySeconds"] > 0
    env = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert env["MR_QUEUE"] == "mr.orders.pos.standard.stable"
    assert env["MR_CONCURRENCY"] == "7"
    assert "minReadySeconds" not in made()["spec"]
    assert env["CELERY_LOADER"] == "merchantroute_worker.loader:LaneLoader"
    assert not [variable for variable in container["env"] if "secretKeyRef" in variable.get("valueFrom", {})]


def test_a_command_that_does_not_ask_for_the_slots_gets_no_new_pods_for_them() -> None:
    def of(concurrency: int) -> dict[str, Any]:
        return made(tiers=["enterprise", {"name": "standard", "concurrency": concurrency, "command": ["celery"]}])

    assert of(7) == of(8)


def test_a_loader_that_the_user_names_is_the_user_s() -> None:
    mine = {"name": "CELERY_LOADER", "value": "shop.loader:Loader"}
    body = made(worker={**WORKER, "command": POST, "env": [mine]})
    env = pod_of(body)["containers"][0]["env"]
    assert [variable for variable in env if variable["name"] == "CELERY_LOADER"] == [mine]


def test_suspect_orders_of_a_default_tier_with_a_command_get_its_command_and_one_slot() -> None:
    route = a_route(worker={**WORKER, "command": POST})
    container = pod_of(deployment(route, suspect_tier(route), "suspect", CLUSTER))["containers"][0]
    env = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert container["command"] == POST
    assert (env["MR_QUEUE"], env["MR_CONCURRENCY"]) == ("mr.orders.pos.suspect", "1")


@pytest.mark.parametrize(
    ("worker", "tier", "program"),
    [
        ({}, {}, ["merchantroute-worker", "--app", "merchantroute_worker.app"]),
        ({"app": "shop"}, {}, ["merchantroute-worker", "--app", "shop"]),
        ({"app": "shop", "command": ["a"]}, {}, ["a"]),
        ({"command": ["a"]}, {"command": ["b"]}, ["b"]),
        ({"command": ["a"]}, {"app": "shop"}, ["merchantroute-worker", "--app", "shop"]),
        ({"app": "shop"}, {"command": ["b"]}, ["b"]),
    ],
)
def test_what_a_tier_says_to_run_replaces_what_the_route_says(
    worker: dict[str, Any], tier: dict[str, Any], program: list[str]
) -> None:
    body = made(worker={"image": "worker:1", **worker}, tiers=["enterprise", {"name": "standard", **tier}])
    container = pod_of(body)["containers"][0]
    assert [*container["command"], *container.get("args", [])][: len(program)] == program
    assert ("args" in container) is (program[0] == "merchantroute-worker")


@pytest.mark.parametrize(("deadline", "seconds"), [(30, 90), (10, 30), (11, 60), (25, 60), (40, 90), (300, 630)])
def test_a_pod_has_time_for_two_deadlines_and_a_small_change_of_it_replaces_no_pod(deadline: int, seconds: int) -> None:
    assert grace(deadline) == seconds
    assert seconds >= 2 * deadline + 10


@pytest.mark.parametrize("worker", [{}, {"command": ["celery", "-A", "shop", "worker"]}])
def test_a_pod_that_is_deleted_as_it_starts_hears_of_it(worker: dict[str, Any]) -> None:
    container = pod_of(made(worker={"image": "worker:1", **worker}))["containers"][0]
    assert container["lifecycle"] == {"preStop": {"sleep": {"seconds": BEFORE_SIGTERM}}}


@pytest.mark.parametrize(("events", "value"), [({}, []), ({"events": False}, []), ({"events": True}, ["true"])])
def test_task_events_are_asked_for_by_the_environment(events: dict[str, bool], value: list[str]) -> None:
    container = pod_of(made(worker={"image": "worker:1", **events}))["containers"][0]
    assert [each["value"] for each in container["env"] if each["name"] == "MR_EVENTS"] == value


def live_of(body: dict[str, Any]) -> dict[str, Any]:
    """As an API server stores and lists it: without kind, with defaults, quantities in its own form."""
    live = deepcopy(body)
    del live["apiVersion"], live["kind"]
    live["metadata"] |= {"uid": "x", "resourceVersion": "1", "generation": 1, "managedFields": []}
    live["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "1"
    live["spec"]["replicas"] = 3
    pod = pod_of(live)
    pod |= {"dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler"}
    container = pod["containers"][0]
    container |= {"imagePullPolicy": "IfNotPresent", "terminationMessagePath": "/dev/termination-log"}
    container["livenessProbe"]["successThreshold"] = 1
    if "resources" in container:
        container["resources"] = {"requests": {"cpu": "500m", "memory": "1Gi"}}
    pod["containers"].append({"name": "injected", "image": "mesh"})
    return live


def test_what_the_api_server_fills_in_and_what_others_add_is_no_difference() -> None:
    for body in (made(), made(worker=WORKER)):
        assert not differs(body, live_of(body))


@pytest.mark.parametrize(
    "changes",
    [
        {"worker": {**WORKER, "image": "worker:2"}},
        {"worker": {**WORKER, "resources": {"requests": {"cpu": "0.6", "memory": "1Gi"}}}},
        {"worker": {**WORKER, "env": [{"name": "APP_KEY", "value": "2"}]}},
        {"worker": {**WORKER, "tolerations": []}},
        # no longer asked for: seen by the digest
        {"worker": {key: value for key, value in WORKER.items() if key != "env"}},
        {"worker": {key: value for key, value in WORKER.items() if key != "nodeSelector"}},
        {"worker": WORKER, "tiers": ["enterprise", {"name": "standard", "pool": "threads"}]},
        {"worker": {**WORKER, "command": ["celery"]}},
    ],
)
def test_what_the_route_changes_is_a_difference(changes: dict[str, Any]) -> None:
    assert differs(made(**changes), live_of(made(worker=WORKER)))


@pytest.mark.parametrize(
    "path",
    [
        ("spec", "template", "spec", "containers", 0, "args", 3),
        ("spec", "template", "spec", "containers", 0, "env", 2, "value"),
        ("spec", "template", "spec", "volumes", 0, "projected", "sources", 0, "configMap", "name"),
        ("spec", "strategy", "rollingUpdate", "maxSurge"),
        ("metadata", "labels", "merchantroute.dev/tier"),
    ],
)
def test_what_somebody_else_changed_of_ours_is_a_difference(path: tuple[str | int, ...]) -> None:
    live: Any = live_of(made())
    *way, last = path
    place = live
    for step in way:
        place = place[step]
    place[last] = "changed"
    assert differs(made(), live)


def test_what_somebody_else_added_to_a_list_that_is_taken_whole_is_a_difference() -> None:
    live = live_of(made())
    pod_of(live)["containers"][0]["args"].append("--verbose")
    assert differs(made(), live)


def test_what_somebody_else_removed_of_ours_is_a_difference() -> None:
    live = live_of(made())
    del pod_of(live)["containers"][0]["env"][0]
    assert differs(made(), live)
    live = live_of(made())
    pod_of(live)["volumes"].pop()
    assert differs(made(), live)


@pytest.mark.parametrize(
    ("one", "other"),
    [("0.5", "500m"), (1, "1000m"), ("1Gi", "1024Mi"), ("1e3", "1k"), ("0.1", "100m"), ("2", "2.0")],
)
def test_quantities_are_compared_by_what_they_mean(one: str | int, other: str) -> None:
    assert quantity(one) == quantity(other) is not None


def test_what_is_no_quantity_is_none() -> None:
    assert quantity("half") is None
    assert quantity("NaN") is None
