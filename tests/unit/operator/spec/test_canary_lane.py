"""A tier's canary as it is written: what it inherits, and what is refused with a mend."""

from __future__ import annotations

from typing import Any

import pytest

from merchantroute_operator.resources.workload.deployment import deployment
from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.lane_specs import lanes
from merchantroute_operator.spec.route import Canary, Route
from tests.unit.operator.route_samples import CLUSTER, a_route


def route_with(canary: dict[str, Any], **tier: Any) -> Route:
    return a_route(tiers=[{"name": "standard", "canary": canary, **tier}])


def canary_of(canary: dict[str, Any], **tier: Any) -> Canary:
    found = route_with(canary, **tier).tier("standard").canary
    assert found is not None
    return found


def test_what_the_canary_leaves_out_is_as_in_the_tier() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]
    scaling = {"minReplicas": 3}
    tier = {"pool": "threads", "concurrency": 7, "image": "worker:tier", "env": env, "scaling": scaling}
    lane = canary_of({"weight": 5, "app": "shop.new", "env": [{"name": "B", "value": "2"}]}, **tier).tier
    assert (lane.name, lane.pool, lane.concurrency) == ("standard", "threads", 7)
    assert (lane.pod.image, lane.pod.app, lane.scaling.min_replicas) == ("worker:tier", "shop.new", 3)
    assert lane.pod.fields["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]


def test_the_canary_may_have_all_of_its_own() -> None:
    own = {"weight": 100, "pool": "prefork", "concurrency": 4, "image": "legacy:9", "scaling": {"maxReplicas": 40}}
    canary = canary_of(own)
    assert (canary.weight, canary.walk) == (100, None)
    assert (canary.tier.pool, canary.tier.concurrency, canary.tier.pod.image) == ("prefork", 4, "legacy:9")
    assert canary.tier.scaling.max_replicas == 40
    assert route_with(own).tier("standard").pool == "gevent"


def test_steps_have_defaults_for_how_they_are_walked() -> None:
    walk = canary_of({"steps": [5, 25, 50, 100]}).walk
    assert walk is not None
    assert (walk.steps, walk.interval, walk.min_orders) == ((5, 25, 50, 100), 600.0, 500)
    assert (walk.max_failure_ratio, walk.max_slowdown) == (0.02, 1.5)


def test_another_text_is_another_plan() -> None:
    assert canary_of({"weight": 5}).plan == canary_of({"weight": 5}).plan
    assert canary_of({"weight": 5}).plan != canary_of({"weight": 6}).plan


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, "write either weight"),
        ({"weight": 5, "steps": [5]}, "write either weight"),
        ({"weight": 101}, "write 0 to 100"),
        ({"steps": [50, 5]}, "write them like"),
        ({"steps": [5, 5]}, "write them like"),
        ({"steps": [5, 101]}, "write them like"),
        ({"steps": [5], "interval": "soon"}, r"spec.tiers\[standard\].canary.interval"),
        ({"weight": 5, "scaling": {"targetDrainTime": "0s"}}, "canary.scaling.targetDrainTime"),
        ({"weight": 5, "env": [{"name": "MR_LANE", "value": "stable"}]}, "is set by the operator"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_write(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecInvalid, match=words):
        route_with(wrong)


def test_the_canary_is_a_lane_behind_its_tier_and_counts_no_rung_twice() -> None:
    found = lanes(route_with({"weight": 5}))
    assert [(lane.tier.name, lane.name, lane.queue) for lane in found] == [
        ("standard", "stable", "mr.orders.pos.standard.stable"),
        ("standard", "canary", "mr.orders.pos.standard.canary"),
        ("suspect", "suspect", "mr.orders.pos.suspect"),
    ]
    assert found[1].rungs == ()
    assert len({lane.deployment for lane in found}) == 3


def test_a_tiers_command_is_its_canarys_too_with_the_canarys_own_queue_and_an_app_replaces_it() -> None:
    command = ["celery", "-A", "shop.gcelery", "worker", "-Q", "$(MR_QUEUE)"]
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"weight": 5}, command),
        ({"weight": 5, "app": "shop.app"}, ["merchantroute-worker"]),
    ]
    for own, program in cases:
        route = route_with(own, command=command)
        (canary,) = [lane for lane in lanes(route) if lane.name == "canary"]
        container = deployment(route, canary.tier, "canary", CLUSTER)["spec"]["template"]["spec"]["containers"][0]
        assert container["command"] == program
        told = {each["name"]: each.get("value") for each in container["env"]}
        assert told.get("MR_QUEUE") == (canary.queue if program is command else None)
