"""The lanes of a route: one per tier, and one slot in at most one pod for suspect orders."""

from __future__ import annotations

from typing import Any

import pytest

from merchantroute_operator.resources.workload.deployment import deployment
from merchantroute_operator.scaling import scale_reasons
from merchantroute_operator.scaling.decide import decide
from merchantroute_operator.scaling.model import Memory, Observation
from merchantroute_operator.spec.lane_specs import LaneSpec, lanes
from merchantroute_operator.spec.sections.deletion import parse_deleting
from tests.unit.operator.route_samples import CLUSTER, a_route, raw_route


def suspect_of(**changes: Any) -> LaneSpec:
    (found,) = [lane for lane in lanes(a_route(**changes)) if lane.name == "suspect"]
    return found


def template_of(**changes: Any) -> dict[str, Any]:
    route, lane = a_route(**changes), suspect_of(**changes)
    template: dict[str, Any] = deployment(route, lane.tier, lane.name, CLUSTER)["spec"]["template"]
    return template


def test_each_tier_has_a_lane_and_the_route_has_one_for_suspect_orders() -> None:
    found = lanes(a_route(delays=("1s", "2m")))
    assert [(lane.tier.name, lane.name, lane.queue) for lane in found] == [
        ("enterprise", "stable", "mr.orders.pos.enterprise.stable"),
        ("standard", "stable", "mr.orders.pos.standard.stable"),
        ("suspect", "suspect", "mr.orders.pos.suspect"),
    ]
    assert found[0].rungs == (
        (1000, "mr.orders.pos.enterprise.retry.1000"),
        (120_000, "mr.orders.pos.enterprise.retry.120000"),
        (600_000, "mr.orders.pos.enterprise.retry.600000"),
        (3_600_000, "mr.orders.pos.enterprise.retry.3600000"),
        (21_600_000, "mr.orders.pos.enterprise.retry.21600000"),
    )
    assert found[-1].rungs == ()
    assert len({lane.deployment for lane in found}) == 3


def test_a_route_that_cannot_be_read_has_no_lanes() -> None:
    raw = raw_route(orders={"steps": []})
    assert lanes(parse_deleting(raw)) == ()


def test_a_pod_of_the_suspect_lane_has_one_slot_and_knows_its_lane() -> None:
    template = template_of()
    container = template["spec"]["containers"][0]
    env = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert (env["MR_NAMESPACE"], env["MR_ROUTE"]) == ("orders", "pos")
    assert (env["MR_TIER"], env["MR_LANE"]) == ("suspect", "suspect")
    assert container["args"] == ["--app", "merchantroute_worker.app", "--pool", "gevent", "--concurrency", "1"]
    assert template["metadata"]["labels"] == {
        "merchantroute.dev/route": "pos",
        "merchantroute.dev/tier": "suspect",
        "merchantroute.dev/lane": "suspect",
        "app.kubernetes.io/managed-by": "merchantroute",
    }


def test_its_pods_are_otherwise_those_of_the_default_tier() -> None:
    tiers = [{"name": "enterprise", "image": "worker:2"}, {"name": "standard", "app": "shop.app", "pool": "prefork"}]
    changes: dict[str, Any] = {"tiers": tiers, "worker": {"image": "worker:1", "labels": {"team": "pos"}}}
    template, route = template_of(**changes), a_route(**changes)
    like = deployment(route, route.tier("standard"), "stable", CLUSTER)["spec"]["template"]
    container = template["spec"]["containers"][0]
    assert (container["image"], container["args"][:4]) == ("worker:1", ["--app", "shop.app", "--pool", "prefork"])
    assert template["metadata"]["labels"]["team"] == "pos"
    assert container["args"][4:] == ["--concurrency", "1"]
    for one in (template, like):
        for name in ("args", "env"):
            del one["spec"]["containers"][0][name]
        for name in ("serviceAccountName", "topologySpreadConstraints"):
            del one["spec"][name]
    assert template["spec"] == like["spec"]


@pytest.mark.parametrize(
    "tiers",
    [
        ["enterprise", {"name": "standard", "concurrency": 7}],
        ["enterprise", {"name": "standard", "scaling": {"minReplicas": 3, "maxReplicas": 30}}],
        ["standard", "enterprise", "another"],
    ],
)
def test_what_changes_about_tiers_replaces_no_pod_of_it(tiers: list[Any]) -> None:
    assert template_of(tiers=tiers) == template_of()


SCALING = {"scaleDownAfter": "60s", "paused": True, "minReplicas": 2, "maxReplicas": 30}
QUIET = Observation(
    now=1000.0,
    queued=0,
    in_flight=0,
    due_retries=0.0,
    arrival_rate=0.0,
    finished_rate=0.0,
    busy=0.0,
    replicas=1,
    ready_pods=1,
    fresh=True,
)


@pytest.mark.parametrize(
    ("tiers", "limits"),
    [
        (("standard",), (0, 1)),
        (({"name": "standard", "scaling": SCALING},), (0, 1)),
        # a tier that is stopped stops its own orders
        (({"name": "standard", "scaling": {"minReplicas": 0, "maxReplicas": 0}}, "enterprise"), (0, 1)),
        # a route that is stopped calls nobody
        (({"name": "standard", "scaling": {"minReplicas": 0, "maxReplicas": 0}},), (0, 0)),
    ],
)
def test_it_has_no_pod_or_one(tiers: tuple[Any, ...], limits: tuple[int, int]) -> None:
    scaling = suspect_of(tiers=tiers).tier.scaling
    assert (scaling.min_replicas, scaling.max_replicas, scaling.paused) == (*limits, False)


@pytest.mark.parametrize(
    ("seen", "replicas", "reason"),
    [
        ({"replicas": 0}, 0, scale_reasons.IDLE),
        # from none straight to one, however many there are
        ({"queued": 1, "replicas": 0}, 1, scale_reasons.WOKEN),
        ({"queued": 500, "replicas": 0}, 1, scale_reasons.AT_MAXIMUM),
        # one that a pod holds needs its pod
        ({"in_flight": 1}, 1, scale_reasons.STEADY),
        # none for all of scaleDownAfter
        ({}, 0, scale_reasons.IDLE),
        ({"now": 1000.0 - 60.0}, 1, scale_reasons.COOLING_DOWN),
    ],
)
def test_its_pod_is_there_for_as_long_as_an_order_is(seen: dict[str, Any], replicas: int, reason: str) -> None:
    lane = suspect_of(tiers=({"name": "standard", "scaling": SCALING},))
    observation = Observation(**{name: getattr(QUIET, name) for name in QUIET.__slots__} | seen)
    memory = Memory(asked=((1000.0 - 61.0, 1),))
    decision = decide(observation, lane.tier.scaling, lane.tier.concurrency, memory)
    assert (decision.replicas, decision.reason) == (replicas, reason)
