"""What a route may lay over its pods, on a real API server, where the restricted Pod Security Standard holds."""

import json
from typing import Any

import pytest

from merchantroute_kit.waiting import until_async
from merchantroute_operator.errors import KubeInvalid
from merchantroute_operator.kube.client import KubeClient
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.resources.differ import differs
from merchantroute_operator.resources.disruption_budget import disruption_budget
from merchantroute_operator.resources.service_account import service_account
from merchantroute_operator.resources.workload.deployment import deployment
from merchantroute_operator.spec.lane_specs import lanes
from merchantroute_operator.spec.parse import parse
from merchantroute_operator.spec.route import Route
from tests.harness.cluster import Kubectl

PLURAL = ["deployments"]
CLUSTER = "11111111-2222-3333-4444-555555555555"
RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
EVERYTHING: dict[str, Any] = {
    "securityContext": {"runAsUser": 1000650000, "fsGroup": 1000650000},
    "initContainers": [
        {"name": "wait", "image": "wait:1", "securityContext": RESTRICTED},
        {"name": "proxy", "image": "proxy:1", "restartPolicy": "Always", "securityContext": RESTRICTED},
    ],
    "containers": [
        {
            "name": "worker",
            "imagePullPolicy": "Always",
            "securityContext": {"readOnlyRootFilesystem": False},
            "lifecycle": {"postStart": {"exec": {"command": ["true"]}}, "preStop": {"sleep": {"seconds": 3}}},
            "startupProbe": {"failureThreshold": 300},
            "ports": [{"containerPort": 8000, "name": "app"}],
        },
        {"name": "shipper", "image": "shipper:1", "securityContext": RESTRICTED},
    ],
    "dnsConfig": {"options": [{"name": "ndots", "value": "1"}]},
    "hostAliases": [{"ip": "10.1.2.3", "hostnames": ["pos.example"]}],
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "rack",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"merchantroute.dev/route": "pos"}},
        }
    ],
    "terminationGracePeriodSeconds": 300,
    "nodeName": "no-such-node",  # nothing is pulled
}


def a_route(namespace: str, spec: dict[str, Any], **worker: Any) -> Route:
    """A parsed route whose pods get this laid over them."""
    return parse(
        {
            "metadata": {"namespace": namespace, "name": "pos", "uid": "u1", "generation": 1},
            "spec": {
                "broker": {"secretRef": {"name": "rabbitmq"}},
                "worker": {"image": "no-such-image.invalid/worker:1", "podTemplate": {"spec": spec}, **worker},
                "orders": {"steps": [{"name": "submit", "method": "POST", "path": "/orders"}]},
                "defaultTier": "standard",
                "tiers": [{"name": "standard"}],
            },
        }
    )


def lane(route: Route) -> Object:
    """The Deployment of its tier."""
    return deployment(route, route.tier("standard"), "stable", CLUSTER)


async def test_a_template_with_everything_is_stored_and_then_as_wanted(
    kube: KubeClient, namespace: str, kubectl: Kubectl
) -> None:
    """Pods come of it: the namespace admits only what the restricted standard allows."""
    route = a_route(namespace, EVERYTHING, rollout={"maxSurge": "50%"})
    account = service_account(route, lanes(route)[0])
    assert account is not None
    await kube.apply(account)
    body = lane(route)
    await kube.dry_run(body)
    await kube.create_deployment(body, 1)
    stored = await kube.apply(body)

    assert not differs(body, stored)
    template = stored["spec"]["template"]["spec"]
    assert [each["name"] for each in template["containers"]] == ["worker", "shipper"]
    assert template["securityContext"]["runAsUser"] == 1000650000
    selector = "merchantroute.dev/route=pos"
    await until_async(
        lambda: kubectl("get", "pods", "-n", namespace, "-l", selector, "-o", "name").split(), "a pod", in_thread=True
    )


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"containers": [{"name": "shipper"}]}, "image"),
        ({"dnsPolicy": "Sometimes"}, "dnsPolicy"),
        ({"runtimeClass": "gvisor"}, "runtimeClass"),
        ({"hostAliases": [{"ip": "here"}]}, "hostAliases"),
    ],
)
async def test_what_kubernetes_refuses_is_found_by_a_dry_run(
    kube: KubeClient, namespace: str, spec: dict[str, Any], words: str
) -> None:
    """Of what no schema of ours knows, too: a misspelt field is one."""
    with pytest.raises(KubeInvalid, match=words):
        await kube.dry_run(lane(a_route(namespace, spec)))
    assert (await kube.children(namespace, "pos")).deployments == {}


async def test_pods_without_a_user_of_ours_are_admitted_where_the_platform_assigns_one(
    kube: KubeClient, namespace: str, kubectl: Kubectl
) -> None:
    """A policy in the way of OpenShift's: no user below its range, and none at all is fine."""
    rule = {
        "expression": "!has(object.spec.template.spec.securityContext.runAsUser) ||"
        " object.spec.template.spec.securityContext.runAsUser >= 1000650000",
        "message": "the user must be of the namespace's range",
    }
    matches = {
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["deployments"],
    }
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": namespace},
        "spec": {"matchConstraints": {"resourceRules": [matches]}, "validations": [rule]},
    }
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": namespace},
        "spec": {"policyName": namespace, "validationActions": ["Deny"], "matchResources": here},
    }
    for body in (policy, binding):
        kubectl("apply", "-f", "-", stdin=json.dumps(body))
    try:
        ours = lane(a_route(namespace, {}))
        ask = ("apply", "--dry-run=server", "-f", "-")
        await until_async(
            lambda: not kubectl(*ask, stdin=json.dumps(ours), check=False), "the policy to count", in_thread=True
        )
        with pytest.raises(KubeInvalid, match="the user must be of the namespace's range"):
            await kube.dry_run(ours)
        await kube.dry_run(lane(a_route(namespace, {"securityContext": {}})))
    finally:
        for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
            kubectl("delete", kind, namespace)


async def test_a_budget_lets_unready_pods_go(kube: KubeClient, namespace: str) -> None:
    route = a_route(namespace, {}, disruptionBudget={"maxUnavailable": "20%"})
    budget = disruption_budget(route, lanes(route)[0])
    assert budget is not None
    stored = await kube.apply(budget)
    assert stored["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert stored["spec"]["maxUnavailable"] == "20%"
    assert not differs(budget, stored)
