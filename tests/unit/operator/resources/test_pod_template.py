"""What a route lays over its pods: what is merged, what is refused, and that nothing changes where nothing is said."""

from __future__ import annotations

from typing import Any

import pytest

from merchantroute_operator.resources.configuration.sharding import ONE_PAIR, Sharding
from merchantroute_operator.resources.disruption_budget import disruption_budget
from merchantroute_operator.resources.metadata import canonical, digest
from merchantroute_operator.resources.service_account import service_account
from merchantroute_operator.resources.workload.deployment import deployment
from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.lane_specs import lanes
from merchantroute_operator.spec.parse import parse
from tests.unit.operator.route_samples import CLUSTER, a_route, raw_route

# Digests of the template of a route that says nothing about its pods. Another one replaces every worker of every route
# when the operator is upgraded: that has to be meant, and stand in the changelog. A Deployment that mounts sixteen
# objects of each kind keeps them, so its template must stay as well.
SIXTEEN = Sharding(1, 1)
TEMPLATES = {
    ("stable", ONE_PAIR): "469a6bcd8b99c2ae",
    ("canary", ONE_PAIR): "a246d75aea14e78c",
    ("stable", SIXTEEN): "ad17ddd785a4c772",
    ("canary", SIXTEEN): "2050577e23fc47c6",
}


def made(worker: dict[str, Any] | None = None, tier: dict[str, Any] | None = None) -> dict[str, Any]:
    """The Deployment of the tier ``standard``."""
    route = a_route(
        worker={"image": "worker:1", **(worker or {})}, tiers=["enterprise", {"name": "standard", **(tier or {})}]
    )
    return deployment(route, route.tier("standard"), "stable", CLUSTER)


def pod(spec: dict[str, Any], **worker: Any) -> dict[str, Any]:
    """The pod's spec with this laid over it."""
    found: dict[str, Any] = made({"podTemplate": {"spec": spec}, **worker})["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize(("lane", "mounts"), TEMPLATES)
def test_an_upgrade_replaces_no_worker(lane: str, mounts: Sharding) -> None:
    route = a_route()
    template = deployment(route, route.tier("standard"), lane, CLUSTER, mounts)["spec"]["template"]
    assert digest(canonical(template))[:16] == TEMPLATES[lane, mounts]


def test_a_platform_that_assigns_users_gets_pods_without_one() -> None:
    context = pod({"securityContext": {}})["securityContext"]
    assert context == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_a_user_of_ones_own_stands_alone_beside_what_the_restricted_standard_asks_for() -> None:
    context = pod({"securityContext": {"runAsUser": 1234, "supplementalGroups": [7]}})["securityContext"]
    assert context == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
        "runAsUser": 1234,
        "supplementalGroups": [7],
    }


def test_the_workers_container_keeps_what_is_not_laid_over_it() -> None:
    before = made()["spec"]["template"]["spec"]["containers"][0]
    over = {
        "name": "worker",
        "securityContext": {"readOnlyRootFilesystem": False},
        "lifecycle": {"postStart": {"exec": {"command": ["true"]}}, "preStop": {"sleep": {"seconds": 5}}},
        "ports": [{"containerPort": 8000, "name": "app"}],
        "startupProbe": {"failureThreshold": 300},
    }
    (worker,) = pod({"containers": [over]})["containers"]
    assert worker == {
        **before,
        "securityContext": {**before["securityContext"], "readOnlyRootFilesystem": False},
        "lifecycle": over["lifecycle"],
        "ports": [*before["ports"], {"containerPort": 8000, "name": "app"}],
        "startupProbe": {**before["startupProbe"], "failureThreshold": 300},
    }


def test_other_containers_come_behind_the_worker() -> None:
    sidecar = {"name": "proxy", "image": "proxy:1", "restartPolicy": "Always"}
    shipper = {"name": "shipper", "image": "shipper:1"}
    found = pod({"initContainers": [sidecar], "containers": [shipper]})
    assert found["initContainers"] == [sidecar]
    assert [each["name"] for each in found["containers"]] == ["worker", "shipper"]


def test_the_rest_of_a_pods_spec_is_taken_as_it_is() -> None:
    spec = {
        "runtimeClassName": "gvisor",
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["10.0.0.10"], "options": [{"name": "ndots", "value": "1"}]},
        "hostAliases": [{"ip": "10.1.2.3", "hostnames": ["pos.burger.example"]}],
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}],
        "terminationGracePeriodSeconds": 300,
        "schedulerName": "bin-packing",
        "automountServiceAccountToken": True,
    }
    found = pod(spec)
    assert {name: found[name] for name in spec} == spec


def test_a_hook_may_sleep_for_what_the_grace_has_beyond_the_orders_in_hand() -> None:
    worker = {"name": "worker", "lifecycle": {"preStop": {"sleep": {"seconds": 60}}}}
    found = pod({"containers": [worker], "terminationGracePeriodSeconds": 129})
    assert found["containers"][0]["lifecycle"] == worker["lifecycle"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"terminationGracePeriodSeconds": 30}, "at least 90"),
        ({"terminationGracePeriodSeconds": True}, "at least 90"),
        ({"tolerations": []}, "write it as spec.worker.tolerations"),
        ({"serviceAccountName": "x"}, "write it as spec.worker.serviceAccountName"),
        ({"volumes": []}, "write it as spec.worker.volumes"),
        ({"initContainers": [{"name": "worker"}]}, "choose another name"),
        ({"containers": [{"name": "worker", "image": "other:1"}]}, r"write spec.tiers\[enterprise\].image"),
        ({"containers": [{"name": "worker", "args": []}]}, "command instead"),
        ({"containers": [{"name": "worker", "env": []}]}, "env instead"),
        ({"containers": [{"name": "worker", "volumeMounts": []}]}, "volumeMounts instead"),
        ({"containers": [{"name": "worker", "readinessProbe": {}}]}, "knows a pod that consumes"),
        ({"containers": [{"name": "worker", "livenessProbe": {}}]}, "knows a pod that consumes"),
        ({"containers": [{"name": "worker", "terminationMessagePolicy": "File"}]}, "write one of imagePullPolicy"),
        ({"containers": [{"name": "worker", "lifecycle": {"preStop": {"exec": {}}}}]}, "write sleep"),
        ({"containers": [{"name": "worker", "lifecycle": {"preStop": {"sleep": {"seconds": 0}}}}]}, "write sleep"),
        (
            {"containers": [{"name": "worker", "lifecycle": {"preStop": {"sleep": {"seconds": 60}}}}]},
            "terminationGracePeriodSeconds of at least 129",
        ),
        ({"containers": [{"name": "worker", "ports": [{"containerPort": 9090}]}]}, "choose others"),
        ({"containers": [{"name": "worker", "ports": [{"containerPort": 1, "name": "http"}]}]}, "choose others"),
    ],
)
def test_what_would_undo_what_keeps_orders_safe_is_refused_in_words(spec: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecInvalid, match=words) as caught:
        pod(spec)
    assert "podTemplate.spec." in str(caught.value)


def test_a_command_of_its_own_has_no_probes_to_keep_and_may_have_some() -> None:
    probe = {"httpGet": {"path": "/healthz", "port": 8000}}
    (worker,) = pod({"containers": [{"name": "worker", "readinessProbe": probe}]}, command=["celery"])["containers"]
    assert worker["readinessProbe"] == probe


def test_a_tiers_template_replaces_the_workers_and_a_canary_has_its_tiers() -> None:
    tier = {"podTemplate": {"spec": {"runtimeClassName": "kata"}}, "canary": {"weight": 5}}
    worker = {"podTemplate": {"spec": {"runtimeClassName": "gvisor", "hostNetwork": True}}}
    route = parse(raw_route(worker={"image": "w:1", **worker}, tiers=["enterprise", {"name": "standard", **tier}]))
    canary = route.tier("standard").canary
    assert canary is not None
    for lane, of in (("stable", route.tier("standard")), ("canary", canary.tier)):
        spec = deployment(route, of, lane, CLUSTER)["spec"]["template"]["spec"]
        assert (spec["runtimeClassName"], spec.get("hostNetwork")) == ("kata", None)


def test_how_many_pods_are_replaced_at_a_time_changes_no_template() -> None:
    before, after = made(), made({"rollout": {"maxSurge": "50%"}})
    assert before["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert after["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": "50%"}
    assert before["spec"]["template"] == after["spec"]["template"]


def test_a_budget_may_let_a_drain_take_more_pods() -> None:
    tiers = [{"name": "standard", "disruptionBudget": {"maxUnavailable": "20%"}}]
    lane = lanes(a_route(tiers=tiers))[0]
    budget = disruption_budget(a_route(tiers=tiers), lane)
    assert budget is not None
    assert budget["spec"]["maxUnavailable"] == "20%"


def test_an_identity_is_given_by_annotations_of_the_lanes_own_account_or_by_another_account() -> None:
    arn = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/pos"}
    annotated = a_route(worker={"image": "w:1", "serviceAccountAnnotations": arn})
    account = service_account(annotated, lanes(annotated)[0])
    assert account is not None
    assert arn.items() <= account["metadata"]["annotations"].items()

    named = a_route(worker={"image": "w:1", "serviceAccountName": "pos-runner"})
    assert service_account(named, lanes(named)[0]) is None
    template = deployment(named, named.tier("standard"), "stable", CLUSTER)["spec"]["template"]
    assert template["spec"]["serviceAccountName"] == "pos-runner"
