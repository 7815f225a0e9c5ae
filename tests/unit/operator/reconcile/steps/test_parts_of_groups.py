"""What the merchants of a group with limits have in pods of two tiers: never more together than the group."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from merchantroute_operator.isolation.model import MerchantFigures, OwnQueue, Waiting
from merchantroute_operator.reconcile.state.own.own_memory import OwnQueues
from merchantroute_operator.reconcile.steps.own_parts import OwnPlan, loaded_by, plan_own, pods_of_tiers, told
from merchantroute_operator.resources.configuration.own_file import OfGroup, parts_in
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.spec.route import MerchantLimits, Route
from merchantroute_operator.topology.desired import desired
from tests.unit.operator.operator_under_test import KEY
from tests.unit.operator.reconcile.steps.late_pods import LatePods
from tests.unit.operator.route_samples import OWNER, a_route

SCHEMA = json.loads((Path(__file__).parents[5] / "schema" / "config-own.json").read_text())
VENDOR = "vendor"
WHERE = {"hut": "standard", "bar": "standard", "inn": "enterprise"}


def route(limits: MerchantLimits) -> Route:
    """A route of which three merchants in two tiers are of one group with limits, and one of none."""
    made = a_route(merchants={**WHERE, "alone": "standard"})
    merchants = [replace(each, group=VENDOR if each.id in WHERE else "other") for each in made.merchants]
    isolation = replace(made.isolation, group_limits={VENDOR: limits})
    return replace(made, merchants=tuple(merchants), isolation=isolation)


@dataclass
class Pods(LatePods):
    """Pods that work what the configuration lets them."""

    limits: MerchantLimits
    own: OwnQueues = field(default_factory=OwnQueues)
    running: Counter[tuple[str, str]] = field(default_factory=Counter)  # by pod and merchant
    now: float = 0.0

    def __post_init__(self) -> None:
        self.own.queues = {
            name: OwnQueue(name, tier, "Limited", "Open", 0.0, share=self.limits.max_in_flight or 9)
            for name, tier in {**WHERE, "alone": "standard"}.items()
        }
        self.route = route(self.limits)
        self.observed = desired(self.route, OWNER, {}, own=dict.fromkeys(self.own.queues, True))

    def plan(self) -> OwnPlan:
        """A pass: what is planned is the next generation if it differs."""
        pulses = {
            name: Pulse(
                name, *KEY, name.partition("-")[0], "stable", 0, 0.0, self.loaded[name], 0, 0.0, 0, 0, 0, slots=20,
                merchants={m: MerchantFigures(m, self.running[name, m]) for m in WHERE if self.running[name, m]},
            )
            for name in self.pods
        }  # fmt: skip
        ready = {name: 99.0 for name, pod in self.pods.items() if "deletionTimestamp" not in pod["metadata"]}
        tiers = pods_of_tiers(self.route, self.pods, ready, pulses)
        self.own.saw(len(self.files) - 1, parts_in(self.files[-1]))
        plan = plan_own(self.route, self.own, tiers, pulses, self.observed, room=10**6, now=self.now)
        if plan.text != self.files[-1]:
            self.files.append(plan.text)
        told(self.own, plan, len(self.files) - 1, 0.0)
        self.own.forget_before(loaded_by(tiers))
        return plan

    def begins(self, pod: str, merchant: str) -> bool:
        """Whether an order of the merchant begins in the pod, by what it has loaded."""
        parts = parts_in(self.files[self.loaded[pod]])
        in_group = sum(self.running[pod, each] for each in WHERE)
        ending = "deletionTimestamp" in self.pods[pod]["metadata"]
        if (
            ending
            or self.running[pod, merchant] >= parts.get(merchant, {}).get(pod, 0)
            or in_group >= parts.get(OfGroup(VENDOR), {}).get(pod, 0)
        ):
            return False
        self.running[pod, merchant] += 1
        return True

    def forget(self, pod: str) -> None:
        del self.pods[pod], self.loaded[pod]
        self.running = Counter({key: count for key, count in self.running.items() if key[0] != pod})


def step(pods: Pods, dice: random.Random) -> None:  # noqa: C901 - one case for each thing that happens
    name = dice.choice(sorted(pods.pods)) if pods.pods else ""
    match dice.randrange(11):
        case 0:
            pods.start(dice.choice(("standard", "enterprise")))
        case 1 if name:
            pods.pods[name]["metadata"]["deletionTimestamp"] = "2027-01-01T00:00:00Z"
        case 2 if name:
            pods.forget(name)
        case 3:
            pods.own.waiting = {each: Waiting(dice.choice((0, 0, 3, 200)), 0) for each in WHERE}
        case 4:
            pods.now += dice.choice((2.0, 25.0))
        case 5 if pods.running:
            key = dice.choice(sorted(pods.running))
            pods.running[key] = max(0, pods.running[key] - dice.choice((1, 9)))
        case 6:  # another operator, which has the status and the configuration
            pods.load_all()
            pods.own = OwnQueues(queues=pods.own.queues, waiting=pods.own.waiting)
        case 7:
            pods.plan()
        case 8 if name:
            pods.loaded[name] = dice.randint(pods.loaded[name], len(pods.files) - 1)
        case _ if name:
            while pods.begins(name, dice.choice(sorted(WHERE))):
                pass


@pytest.mark.parametrize("seed", range(8))
def test_no_more_orders_of_all_its_merchants_run_than_the_group_may_have(seed: int) -> None:
    dice = random.Random(seed)
    pods = Pods(MerchantLimits(dice.choice((1, 2, 5, 12)), dice.choice((None, 8.0))))
    limit = pods.limits.max_in_flight or 0
    for tier in ("standard", "enterprise") * 2:
        pods.start(tier)
    for _ in range(150):
        step(pods, dice)
        assert sum(pods.running.values()) <= limit
    pods.own.waiting = dict.fromkeys(WHERE, Waiting(50, 0))
    for tier in ("standard", "enterprise"):
        pods.start(tier)
    for _ in range(5):
        pods.running.clear()
        pods.load_all()
        pods.plan()
    assert not pods.plan().unfinished
    assert sum(parts_in(pods.files[-1])[OfGroup(VENDOR)].values()) == limit


def test_who_has_a_part_has_it_where_the_group_has_one_and_who_is_of_no_group_anywhere() -> None:
    pods = Pods(MerchantLimits(1, 8.0))
    for _ in range(3):
        pods.start("standard")
    pods.own.waiting = dict.fromkeys(("hut", "bar"), Waiting(50, 0))

    pods.plan()

    parts = parts_in(pods.files[-1])
    assert parts["hut"] == parts["bar"] == parts[OfGroup(VENDOR)]
    assert list(parts["hut"].values()) == [1]
    assert len(parts["alone"]) == 1


def test_each_tier_has_its_fraction_of_the_rate_and_gains_what_the_other_has_lost() -> None:
    pods = Pods(MerchantLimits(8, 16.0, 4))
    pods.start("standard")
    pods.start("enterprise")
    pods.own.waiting = {"hut": Waiting(500, 0), "inn": Waiting(500, 0)}
    pods.plan()
    pods.load_all()
    pods.own.waiting = {"hut": Waiting(500, 0), "inn": Waiting(1, 0)}

    def groups() -> dict[str, Any]:
        tiers = json.loads(pods.files[-1])["tiers"]
        return {name: (tier["groups"][0]["parts"], tier["groups"][0]["rate"]) for name, tier in tiers.items()}

    jsonschema.validate(json.loads(pods.files[-1]), SCHEMA)
    assert groups() == {"standard": ([4], 8.0), "enterprise": ([4], 8.0)}
    assert pods.plan().unfinished
    assert groups() == {"standard": ([4], 8.0), "enterprise": ([1], 2.0)}
    pods.load_all()
    assert not pods.plan().unfinished
    assert groups() == {"standard": ([7], 14.0), "enterprise": ([1], 2.0)}


def test_where_limits_have_no_effect_there_are_none_of_groups() -> None:
    pods = Pods(MerchantLimits(1))
    pods.start("standard")
    pods.route = replace(pods.route, isolation=replace(pods.route.isolation, mode="Off"))

    pods.plan()

    assert "groups" not in pods.files[-1]
    assert parts_in(pods.files[-1])["hut"] == {"standard-1": 1}
