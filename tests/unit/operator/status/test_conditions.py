"""What ``kubectl get mr`` says of a route, for everything that can be in its way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from merchantroute_operator.errors import (
    BrokerRefusedCredentials,
    BrokerUnreachable,
    KubeForbidden,
    RouteError,
    SecretMissing,
    TopologyConflict,
)
from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.status.assemble import CONDITIONS, status
from merchantroute_operator.status.conditions import merge
from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.view import Condition, LaneView, View
from tests.unit.operator.route_samples import a_route
from tests.unit.operator.status_views import a_deployment, a_lane, a_pod, a_view, one_pod, waiting, with_deployments

NOW, BEFORE = "2026-01-02T03:04:05Z", "2026-01-01T00:00:00Z"


def told(view: View) -> dict[str, Condition]:
    return {condition.type: condition for condition in (answer(view) for answer in CONDITIONS)}


def test_a_route_that_is_as_it_should_be_is_ready() -> None:
    answers = {name: (c.status, c.reason) for name, c in told(a_view()).items()}
    assert answers == {
        "Ready": ("True", "AsWanted"),
        "QueuesReady": ("True", "AsWanted"),
        "WorkersAvailable": ("True", "AsWanted"),
        "ScalingActive": ("True", "Scaling"),
        "Progressing": ("False", "AsWanted"),
        "Isolating": ("False", "NobodyIsolated"),
        "Paused": ("False", "NotPaused"),
        "Drifted": ("False", "NoDrift"),
        "Conflicted": ("False", "NoConflict"),
        "CredentialsAccepted": ("True", "AsWanted"),
        "AddressesAllowed": ("True", "AsWanted"),
    }


def test_merchants_that_refuse_their_credentials_are_named_and_the_route_is_ready_all_the_same() -> None:
    answers = told(a_view(credentials_refused=tuple(f"m-{number}" for number in range(7))))

    refused = answers["CredentialsAccepted"]
    assert (refused.status, refused.reason) == ("False", "CredentialsRefused")
    assert "m-0, m-1, m-2, m-3, m-4 and 2 more" in refused.message
    assert answers["Ready"].status == "True"


def test_merchants_that_lead_where_no_call_may_go_are_named_and_the_route_is_ready_all_the_same() -> None:
    answers = told(a_view(forbidden=tuple(f"m-{number}" for number in range(7))))

    forbidden = answers["AddressesAllowed"]
    assert (forbidden.status, forbidden.reason) == ("False", "AddressForbidden")
    assert "m-0, m-1, m-2, m-3, m-4 and 2 more" in forbidden.message
    assert "spec.egress.allow" in forbidden.message
    assert answers["Ready"].status == "True"


STUCK = [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
QUOTA = [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: pods"}]
UNSCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "Insufficient cpu"}
CRASHED: dict[str, Any] = {
    "lastState": {"terminated": {"exitCode": 1, "message": "No module named shop"}},
    "restartCount": 4,
}


@pytest.mark.parametrize(
    ("seen", "condition", "reason", "said"),
    [
        # the broker
        (
            {"error": BrokerUnreachable("no answer at rabbitmq:15672")},
            "QueuesReady",
            "BrokerUnreachable",
            "rabbitmq:15",
        ),
        ({"error": BrokerRefusedCredentials("401")}, "QueuesReady", "BrokerCredentialsRefused", "401"),
        ({"error": SecretMissing("Secret x does not exist")}, "QueuesReady", "SecretMissing", "Secret x"),
        ({"error": TopologyConflict("queue q is theirs")}, "QueuesReady", "TopologyConflict", "queue q is theirs"),
        ({"queues_ready": False}, "QueuesReady", "QueuesMissing", "being made"),
        # the pods
        ({"error": KubeForbidden("exceeded quota")}, "WorkersAvailable", "Forbidden", "exceeded quota"),
        ({"deployments": {}}, "WorkersAvailable", "Starting", "No Deployment yet for enterprise, standard"),
        (
            {"deployments": with_deployments(a_deployment("enterprise", ready=0), a_deployment("standard"))},
            "WorkersAvailable",
            "Starting",
            "No ready pod yet: enterprise (0 of 1)",
        ),
        (
            one_pod(**waiting("ErrImagePull", "not found")),
            "WorkersAvailable",
            "ImageUnavailable",
            "worker:9: not found",
        ),
        (one_pod(**waiting("ImagePullBackOff")), "WorkersAvailable", "ImageUnavailable", "pod pos-1: image worker:9"),
        (one_pod(**waiting("CrashLoopBackOff", **CRASHED)), "WorkersAvailable", "CrashLoop", "No module named shop"),
        (
            # between two restarts there is no back-off for a moment
            one_pod(containerStatuses=[{"state": {"running": {}}, "ready": False, **CRASHED}]),
            "WorkersAvailable",
            "CrashLoop",
            "ended 4 times, exit code 1: No module named shop",
        ),
        (
            one_pod(**waiting("CreateContainerConfigError", 'secret "app" not found')),
            "WorkersAvailable",
            "PodConfigInvalid",
            'secret "app" not found',
        ),
        (one_pod(conditions=[UNSCHEDULED]), "WorkersAvailable", "Unschedulable", "pod pos-1: Insufficient cpu"),
        (
            {
                "deployments": with_deployments(
                    a_deployment("enterprise", ready=0, conditions=QUOTA), a_deployment("standard")
                )
            },
            "WorkersAvailable",
            "PodsRefused",
            "exceeded quota: pods",
        ),
        ({"lagging": ("pos-1", "pos-2")}, "WorkersAvailable", "PodsLag", "newest configuration: pos-1, pos-2"),
        # the rest of what must be there before orders flow
        ({"door_open": False}, "Ready", "DoorClosed", "front door is not open"),
        ({"unbound": 3}, "Ready", "BindingMerchants", "3 merchants wait"),
        (
            {"credential_problems": {"m0": "Secret s lacks the key token"}},
            "Ready",
            "CredentialsUnusable",
            "merchant m0: Secret s lacks the key token",
        ),
        (
            {"unfit": {"spec.defaultEndpoint": "https://[1] is no address", "merchant m0": "write https://"}},
            "Ready",
            "MerchantsUnfit",
            "merchant m0: write https://; spec.defaultEndpoint: https://[1] is no address",
        ),
        ({"ending": "draining: 5 orders left"}, "Ready", "Ending", "5 orders left"),
        ({"route": None, "error": SpecInvalid("spec.x: wrong")}, "Ready", "SpecInvalid", "spec.x: wrong"),
    ],
)
def test_what_is_in_the_way_is_said_where_it_belongs_and_by_ready(
    seen: dict[str, Any], condition: str, reason: str, said: str
) -> None:
    answers = told(a_view(**seen))
    for name in (condition, "Ready"):
        assert (answers[name].status, answers[name].reason) == ("False", reason)
        assert said in answers[name].message


@pytest.mark.parametrize("error", [SpecInvalid("spec.x: wrong"), KubeForbidden("no")])
def test_what_a_pass_did_not_come_to_is_unknown_and_never_true(error: RouteError) -> None:
    answers = told(View(generation=3, error=error))
    assert answers["QueuesReady"].status == "Unknown"
    assert answers["ScalingActive"].status == "Unknown"
    assert answers["Conflicted"].status == "Unknown"
    assert not [name for name, answer in answers.items() if answer.status == "True"]


def test_no_pods_before_the_queues_are_there() -> None:
    answer = told(a_view(deployments={}, pods={}, queues_ready=False, error=BrokerUnreachable("down")))
    assert answer["WorkersAvailable"].reason == "WaitingForQueues"
    assert answer["Ready"].reason == "BrokerUnreachable"
    assert answer["Progressing"] == Condition("Progressing", "False", "Blocked", "down")


def test_a_broker_that_goes_away_is_told_although_its_queues_were_there() -> None:
    answer = told(a_view(error=BrokerUnreachable("down")))
    assert answer["QueuesReady"].status == answer["Ready"].status == "False"


def test_lanes_that_need_no_pods_are_available() -> None:
    none = with_deployments(a_deployment("enterprise", replicas=0), a_deployment("standard", replicas=0))
    answer = told(a_view(deployments=none, pods={}))
    assert (answer["WorkersAvailable"].status, answer["WorkersAvailable"].reason) == ("True", "ScaledToZero")
    assert answer["Ready"].status == "True"


def test_a_lane_with_some_of_its_pods_ready_works() -> None:
    some = with_deployments(a_deployment("enterprise", replicas=3, ready=1), a_deployment("standard"))
    answer = told(a_view(deployments=some))["WorkersAvailable"]
    assert (answer.status, answer.message) == ("True", "2 of 4 pods ready")


def test_what_is_not_known_of_pods_with_a_command_of_their_own_is_said() -> None:
    route = a_route(tiers=["enterprise", {"name": "standard", "command": ["celery"]}])
    silent = replace(a_lane("standard"), generation=None)
    said = told(a_view(route=route, lanes=(a_lane("enterprise"), silent)))["WorkersAvailable"]
    assert said.status == "True"
    assert said.message == (
        "2 of 2 pods ready. Not known of standard, with a command of their own that reports nothing, whether they "
        "consume and what they have loaded"
    )
    assert told(a_view(route=route))["WorkersAvailable"].message == "2 of 2 pods ready"  # its pods report all the same


def test_a_pod_that_is_told_to_go_has_no_fault_that_matters() -> None:
    pod = a_pod(ready=False, **waiting("ErrImagePull"))
    pod["metadata"]["deletionTimestamp"] = NOW
    assert told(a_view(pods={"pos-1": pod}))["Ready"].status == "True"


@pytest.mark.parametrize(
    ("seen", "answer", "reason"),
    [
        ({"deployments": with_deployments(a_deployment("standard", updatedReplicas=0))}, "True", "RollingOut"),
        ({"deployments": with_deployments(a_deployment("standard", observedGeneration=1))}, "True", "RollingOut"),
        # an old pod is still there
        (
            {"deployments": with_deployments(a_deployment("standard", updatedReplicas=1, replicas=2))},
            "True",
            "RollingOut",
        ),
        ({"deployments": with_deployments(a_deployment("standard", conditions=STUCK))}, "False", "RolloutStuck"),
        ({"unbound": 3}, "True", "BindingMerchants"),
        ({"retiring": ("mr.orders.pos.gold.stable",)}, "True", "Retiring"),
        ({"door_open": False}, "True", "DoorClosed"),
        ({"ending": "draining"}, "True", "Ending"),
        ({}, "False", "AsWanted"),
    ],
)
def test_what_is_under_way_is_told(seen: dict[str, Any], answer: str, reason: str) -> None:
    progressing = told(a_view(**seen))["Progressing"]
    assert (progressing.status, progressing.reason) == (answer, reason)


@pytest.mark.parametrize(
    ("lanes", "answer", "reason", "said"),
    [
        ((a_lane("enterprise"), a_lane("standard", reason="FiguresStale")), "False", "FiguresStale", "standard"),
        ((a_lane("enterprise", reason="Paused"), a_lane("standard")), "False", "ScalingPaused", "enterprise"),
        ((a_lane("enterprise", reason="AtMaximum"),), "True", "Scaling", ""),
        (
            (LaneView("enterprise", "stable", "q", None, None, None, None, None, None, None),),
            "Unknown",
            "NotChecked",
            "",
        ),
        ((), "Unknown", "NotChecked", ""),
    ],
)
def test_whether_the_scaler_works_is_told(lanes: tuple[LaneView, ...], answer: str, reason: str, said: str) -> None:
    scaling = told(a_view(lanes=lanes))["ScalingActive"]
    assert (scaling.status, scaling.reason) == (answer, reason)
    assert said in scaling.message


def test_a_foreign_policy_is_drift_and_does_not_make_the_route_unready() -> None:
    answer = told(a_view(foreign_policies={"mr.orders.pos.standard.stable": "limit-all"}))
    assert (answer["Drifted"].status, answer["Drifted"].reason) == ("True", "ForeignPolicy")
    assert "Policy limit-all matches mr.orders.pos.standard.stable" in answer["Drifted"].message
    assert answer["Ready"].status == "True"


def test_a_conflict_is_told_as_a_condition_of_its_own() -> None:
    answer = told(a_view(error=TopologyConflict("queue q"), conflicts=("queue q belongs to x",)))
    assert answer["Conflicted"].status == "True"
    assert answer["Conflicted"].message == "queue q belongs to x"


def test_two_thousand_problems_fit_into_a_message() -> None:
    problems = {f"m{number:04}": "Secret s does not exist" for number in range(2000)}
    message = status(a_view(credential_problems=problems), {}, NOW)["conditions"][0]["message"]
    assert message.endswith("and 1995 more")
    assert len(merge([], [Condition("Ready", "False", "X", "x" * 5000)], generation=1, now=NOW)[0]["message"]) == 1000


@pytest.mark.parametrize(
    ("old", "since"),
    [
        ([], NOW),
        ([{"type": "Ready", "status": "False", "lastTransitionTime": BEFORE}], NOW),
        # another reason is no transition
        ([{"type": "Ready", "status": "True", "reason": "Old", "lastTransitionTime": BEFORE}], BEFORE),
        ([{"type": "Paused", "status": "True", "lastTransitionTime": BEFORE}], NOW),
    ],
)
def test_a_condition_keeps_the_time_at_which_its_answer_changed(old: list[dict[str, Any]], since: str) -> None:
    (merged,) = merge(old, [Condition("Ready", "True", Reason.AS_WANTED, "Orders flow")], generation=3, now=NOW)
    assert merged == {
        "type": "Ready",
        "status": "True",
        "observedGeneration": 3,
        "lastTransitionTime": since,
        "reason": "AsWanted",
        "message": "Orders flow",
    }
    assert type(merged["reason"]) is str  # it is serialised as it is


def test_every_reason_has_a_sentence() -> None:
    for reason in Reason:
        assert reason[0].isupper()
        assert reason.isalnum()
        assert reason.sentence.endswith(".")
