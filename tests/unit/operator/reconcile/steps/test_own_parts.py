"""The pods' parts through changes of share, tier and pods: what may run at a time is never more than the share."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest

from merchantroute_operator.isolation.model import OwnQueue
from merchantroute_operator.reconcile.state.own.own_memory import MOST_GENERATIONS, OwnQueues
from merchantroute_operator.reconcile.steps.own_parts import OwnPlan, loaded_by, may_open, plan_own, pods_of_tiers, told
from merchantroute_operator.resources.configuration.own_file import parts_in
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.topology.desired import desired
from tests.unit.operator.operator_under_test import KEY
from tests.unit.operator.reconcile.steps.late_pods import LatePods
from tests.unit.operator.route_samples import OWNER, a_route

ROUTE = a_route(merchants={"hut": "standard"})
OBSERVED = desired(ROUTE, OWNER, {}, own={"hut": True})
QUEUE = OwnQueue("hut", "standard", "Pinned", "Open", 0.0, share=4)
TIERS = ("enterprise", "standard")


@dataclass
class Pods(LatePods):
    """Pods, and what is planned for them."""

    own: OwnQueues = field(default_factory=lambda: OwnQueues(queues={"hut": QUEUE}))

    def plan(self) -> OwnPlan:
        """A pass: what is planned is the next generation if it differs."""
        pulses = {
            name: Pulse(name, *KEY, "x", "stable", 0, 0.0, self.loaded[name], 0, 0.0, 0, 0, 0, slots=20)
            for name in self.pods
        }
        ready = {name: 99.0 for name, pod in self.pods.items() if "deletionTimestamp" not in pod["metadata"]}
        tiers = pods_of_tiers(ROUTE, self.pods, ready, pulses)
        self.own.saw(len(self.files) - 1, parts_in(self.files[-1]))
        plan = plan_own(ROUTE, self.own, tiers, pulses, OBSERVED, room=10**6, now=0.0)
        if plan.text != self.files[-1]:
            self.files.append(plan.text)
        told(self.own, plan, len(self.files) - 1, 0.0)
        self.own.forget_before(loaded_by(tiers))
        return plan

    def may_run(self) -> int:
        """Orders that all pods together may have in flight, by what each has loaded."""
        return sum(parts_in(self.files[self.loaded[name]]).get("hut", {}).get(name, 0) for name in self.pods)


def step(pods: Pods, dice: random.Random) -> None:
    name = dice.choice(sorted(pods.pods)) if pods.pods else ""
    match dice.randrange(7):
        case 0:
            pods.own.queues["hut"] = replace(pods.own.queues["hut"], share=dice.choice((0, 1, 2, 5, 9)))
        case 1:
            pods.own.queues["hut"] = replace(pods.own.queues["hut"], tier=dice.choice(TIERS))
        case 2:
            pods.start(dice.choice(TIERS))
        case 3 if name:
            pods.pods[name]["metadata"]["deletionTimestamp"] = "2027-01-01T00:00:00Z"
        case 4 if name:
            del pods.pods[name], pods.loaded[name]
        case 5:  # another operator, which has the status and the configuration
            pods.own = OwnQueues(queues=pods.own.queues)
        case _ if name:
            pods.loaded[name] = dice.randint(pods.loaded[name], len(pods.files) - 1)


@pytest.mark.parametrize("seed", range(40))
def test_no_two_pods_may_run_what_only_one_of_them_should(seed: int) -> None:
    dice, pods = random.Random(seed), Pods()
    for tier in TIERS * 2:
        pods.start(tier)
    shares = [pods.own.queues["hut"].share]
    for _ in range(120):
        before = pods.own.queues["hut"].share
        restarted = pods.own
        step(pods, dice)
        share = pods.own.queues["hut"].share
        # while a pod has not loaded less, the larger share from before still counts
        shares = [*shares, share] if share != before else shares
        if pods.own is not restarted:
            pods.load_all()  # what older pods run by is not known to another operator
        pods.plan()
        if set(pods.loaded.values()) <= {len(pods.files) - 1}:
            shares = [share]
        assert pods.may_run() <= max(shares)
    pods.pods = {name: pod for name, pod in pods.pods.items() if "deletionTimestamp" not in pod["metadata"]}
    pods.start(pods.own.queues["hut"].tier)
    for _ in range(4):
        pods.load_all()
        pods.plan()
    assert not pods.plan().unfinished
    pods.load_all()
    assert pods.may_run() == pods.own.queues["hut"].share


def test_what_generations_gave_out_is_remembered_to_a_bound() -> None:
    own = OwnQueues()
    for generation in range(1, 200):
        own.saw(generation, {"hut": {"pod-1": generation % 7, "pod-2": 1}})
    assert len(own.written) == MOST_GENERATIONS
    assert own.written[0].parts["hut"] == {"pod-1": 6, "pod-2": 1}
    own.forget_before([199, 199])
    assert [each.generation for each in own.written] == [199]


def test_a_pod_that_does_not_load_for_a_minute_is_not_waited_for_where_another_has() -> None:
    pods = Pods()
    pods.own.queues["hut"] = replace(QUEUE, stage="Opening")
    for _ in range(2):
        pods.start("standard")
    pods.plan()
    first, second = sorted(pods.pods)

    def opens(now: float, *loaded: int) -> bool:
        pods.loaded = dict(zip((first, second), loaded, strict=True))
        pulses = {
            name: Pulse(name, *KEY, "standard", "stable", 0, 0.0, at, 0, 0.0, 0, 0, 0, slots=20)
            for name, at in pods.loaded.items()
        }
        tiers = pods_of_tiers(ROUTE, pods.pods, dict.fromkeys(pods.pods, 999.0), pulses)
        return "hut" in may_open(pods.own, tiers, now)

    assert opens(1.0, 1, 1)
    assert not opens(59.0, 1, 0)
    assert opens(61.0, 1, 0)
    assert not opens(61.0, 0, 0)
