"""Ready says whether orders flow, Reconciling and Stalled say it for tools: what they make of pods and errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from merchantroute_operator import naming
from merchantroute_operator.errors import (
    BrokerRefusedCredentials,
    KubeError,
    KubeInvalid,
    ManagementSilent,
    RouteError,
    SecretMissing,
)
from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.status.assemble import CONDITIONS, status
from merchantroute_operator.status.view import Condition, View
from tests.unit.operator.route_samples import a_route
from tests.unit.operator.status_views import a_deployment, a_pod, a_view, one_pod, waiting, with_deployments

NOW = "2026-01-02T03:04:05Z"


def told(view: View) -> dict[str, Condition]:
    return {condition.type: condition for condition in (answer(view) for answer in CONDITIONS)}


STUCK = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
QUOTA = [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: pods"}]
UNSCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "Insufficient cpu"}
CRASHED: dict[str, Any] = {
    "lastState": {"terminated": {"exitCode": 1, "message": "No module named shop"}},
    "restartCount": 4,
}


def one_more_pod(**about: Any) -> dict[str, Any]:
    """Beside nineteen that work."""
    deployments = with_deployments(a_deployment("enterprise", replicas=20, ready=19), a_deployment("standard"))
    return {"pods": {"pos-1": a_pod(), "pos-2": a_pod("pos-2", ready=False, **about)}, "deployments": deployments}


@pytest.mark.parametrize(
    ("about", "reason", "said"),
    [
        ({"conditions": [UNSCHEDULED]}, "SomePodsWait", "20 of 21 pods ready; pod pos-2: Insufficient cpu"),
        (waiting("CrashLoopBackOff", **CRASHED), "SomePodsFail", "No module named shop"),
        (waiting("ErrImagePull", "not found"), "SomePodsFail", "worker:9: not found"),
    ],
)
def test_a_pod_that_cannot_work_beside_others_that_do_is_told_and_orders_flow(
    about: dict[str, Any], reason: str, said: str
) -> None:
    answers = told(a_view(**one_more_pod(**about)))
    workers = answers["WorkersAvailable"]
    assert (workers.status, workers.reason) == ("True", reason)
    assert said in workers.message
    assert answers["Ready"].status == "True"
    assert answers["Progressing"].status == "False", "it is scaled, and not rolled out"


def test_a_lane_that_is_woken_from_zero_is_not_broken() -> None:
    woken = a_deployment("standard", ready=0)
    view = a_view(deployments=with_deployments(a_deployment("enterprise"), woken))
    assert told(view)["Ready"].reason == "Starting"
    view = replace(view, waking=frozenset({woken["metadata"]["name"]}))
    assert (told(view)["Ready"].status, told(view)["WorkersAvailable"].reason) == ("True", "Waking")
    crashing = a_pod("pos-2", tier="standard", ready=False, **waiting("CrashLoopBackOff", **CRASHED))
    assert told(replace(view, pods={"pos-2": crashing}))["Ready"].reason == "CrashLoop"


def test_a_canary_that_gets_no_orders_yet_needs_no_ready_pod() -> None:
    route = a_route(tiers=["enterprise", {"name": "standard", "canary": {"weight": 5}}])
    canary = a_deployment("standard", ready=0)
    canary["metadata"]["name"] = naming.deployment("pos", "standard", "canary")
    deployments = with_deployments(a_deployment("enterprise"), a_deployment("standard"), canary)
    view = a_view(route=route, deployments=deployments)
    starting, walking = ({"tier": "standard", "phase": phase, "weight": 0} for phase in ("Starting", "Walking"))
    assert told(replace(view, canaries=(starting,)))["Ready"].status == "True"
    assert told(replace(view, canaries=(walking,)))["Ready"].reason == "Starting"


@pytest.mark.parametrize(
    ("seen", "reconciling", "stalled"),
    [
        ({}, None, None),
        ({"unbound": 3}, "BindingMerchants", None),
        ({"ending": "draining"}, "Ending", None),
        (one_pod(), "Starting", None),
        ({"error": KubeError("429")}, "KubernetesError", None),
        ({"error": KubeError("429"), "reporting": True}, "KubernetesError", None),
        ({"error": SpecInvalid("spec.x: wrong"), "route": None}, None, "SpecInvalid"),
        ({"error": SecretMissing("Secret x does not exist")}, None, "SecretMissing"),
        ({"beside": KubeInvalid("NetworkPolicy pos: a label")}, None, "ObjectInvalid"),
        ({"credential_problems": {"m0": "Secret s"}}, None, "CredentialsUnusable"),
        ({"deployments": with_deployments(a_deployment("standard", conditions=STUCK))}, None, "RolloutStuck"),
        ({"paused": True, "pending": ("a queue",), "queues_ready": False}, None, None),
    ],
)
def test_what_kstatus_reads_is_there_only_while_it_is_true(
    seen: dict[str, Any], reconciling: str | None, stalled: str | None
) -> None:
    written = status(a_view(**seen), {}, NOW)["conditions"]
    found = {c["type"]: (c["status"], c["reason"]) for c in written if c["type"] in ("Reconciling", "Stalled")}
    wanted = {"Reconciling": reconciling, "Stalled": stalled}
    assert found == {kind: ("True", reason) for kind, reason in wanted.items() if reason}


def test_what_orders_flow_without_makes_no_route_unready() -> None:
    answers = told(a_view(beside=KubeInvalid("NetworkPolicy pos: a label")))
    assert answers["Ready"].status == "True"
    assert answers["Progressing"] == Condition("Progressing", "False", "Blocked", "NetworkPolicy pos: a label")


@pytest.mark.parametrize("error", [KubeError("429"), ManagementSilent("no answer")])
def test_while_pods_report_that_they_work_a_silent_server_makes_no_route_unready(error: RouteError) -> None:
    ready = told(a_view(error=error, reporting=True))["Ready"]
    assert (ready.status, ready.reason) == ("True", "Unattended")
    assert str(error) in ready.message
    assert told(a_view(error=error))["Ready"].status == "False"
    assert told(a_view(error=BrokerRefusedCredentials("401"), reporting=True))["Ready"].status == "False"
