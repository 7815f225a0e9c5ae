"""What a lane's user may do: as much as its worker does, and nothing of another lane's."""

import re
from typing import Any

import pytest

from merchantroute_operator import naming
from merchantroute_operator.lane_users.broker_user import Permissions
from merchantroute_operator.lane_users.lane_rights import LaneName, permissions
from merchantroute_operator.resources.workload.own_publishes import own_publishes
from merchantroute_operator.resources.workload.pod import pod_template
from merchantroute_operator.spec.lane_specs import lanes
from merchantroute_operator.spec.route import Route
from merchantroute_operator.topology.desired import desired
from tests.unit.operator.route_samples import CLUSTER, OWNER, a_route

DOOR = "mr.orders.pos"
PULSES = f"mr-pulses.{CLUSTER}"
EVERYWHERE = {f"{DOOR}.dead", f"{DOOR}.suspect", PULSES}
OTHERS = {
    DOOR,
    f"{DOOR}x",
    "amq.default",
    "celeryev",
    "completions",
    "mr-pulses.other",
    "mr.orders.pos2.router",
    "mr.x.pos",
}


def given(route: Route, tier: str, lane: str) -> Permissions:
    """The rights of one lane's user, with pods as the spec asks for them."""
    spec = next(each for each in lanes(route) if (each.tier.name, each.name) == (tier, lane))
    return permissions(
        route, LaneName(tier, lane), CLUSTER, own_publishes(route, pod_template(route, spec.tier, lane)["spec"])
    )


def allowed(route: Route, pattern: str) -> set[str]:
    """Which names of the route, and of others, a pattern matches."""
    made = desired(route, OWNER, {}, {})
    names = {*made.exchanges, *made.queues, PULSES, *OTHERS}
    return {name for name in names if re.search(pattern, name)}


def test_a_tiers_lane_writes_to_its_ladder_and_the_routes_exchanges_and_reads_its_queue() -> None:
    route = a_route()
    found = given(route, "enterprise", "stable")

    assert allowed(route, found.configure) == set()
    assert allowed(route, found.write) == {*EVERYWHERE, f"{DOOR}.enterprise.retry", f"{DOOR}.router"}
    assert allowed(route, found.read) == {f"{DOOR}.enterprise.stable"}


def test_a_tiers_stable_lane_reads_its_merchants_own_queues_and_no_other_tiers() -> None:
    route = a_route(tiers=["enterprise", {"name": "standard", "canary": {"weight": 20}}])
    mine, theirs = (naming.own_queue("orders", "pos", merchant) for merchant in ("m0", "m1"))
    own = {"enterprise": (mine, naming.own_queue("orders", "pos", "m2")), "standard": (theirs,)}
    read = {
        (words.tier, words.name): permissions(route, words, CLUSTER, own=own.get(words.tier, ())).read
        for words in (LaneName(lane.tier.name, lane.name) for lane in lanes(route))
    }

    assert re.search(read["enterprise", "stable"], mine)
    assert not re.search(read["enterprise", "stable"], theirs)
    assert not re.search(read["enterprise", "stable"], f"{mine}0")
    assert re.search(read["standard", "stable"], theirs)
    assert not re.search(read["standard", "canary"], theirs), "a canary works none of them"


def test_a_canary_reads_its_own_queue_and_waits_on_its_tiers_ladder() -> None:
    route = a_route(tiers=["enterprise", {"name": "standard", "canary": {"weight": 20}}])
    found = given(route, "standard", "canary")

    assert allowed(route, found.write) == {*EVERYWHERE, f"{DOOR}.standard.retry"}
    assert allowed(route, found.read) == {f"{DOOR}.standard.canary"}


def test_the_suspect_lane_waits_on_whichever_tiers_ladder_is_the_default_ones() -> None:
    route = a_route()
    found = given(route, "suspect", "suspect")

    assert allowed(route, found.write) == {*EVERYWHERE, f"{DOOR}.enterprise.retry", f"{DOOR}.standard.retry"}
    assert allowed(route, found.read) == {f"{DOOR}.suspect"}


@pytest.mark.parametrize("own", [{"app": "shop.celery"}, {"command": ["celery", "worker"]}])
def test_an_own_apps_tasks_publish_others(own: dict[str, Any]) -> None:
    route = a_route(worker={"image": "shop:1", **own})

    found = allowed(route, given(route, "standard", "stable").write)

    assert found == {*EVERYWHERE, f"{DOOR}.standard.retry", DOOR, f"{DOOR}.router"}


def test_task_events_and_completions_are_written_where_the_route_asks_for_them() -> None:
    env = [{"name": "MR_COMPLETIONS", "value": "completions"}]
    route = a_route(worker={"image": "worker:1", "events": True, "env": env})

    found = allowed(route, given(route, "standard", "stable").write)

    assert found == {*EVERYWHERE, f"{DOOR}.standard.retry", f"{DOOR}.router", "celeryev", "completions"}


BASE = {"cluster": CLUSTER, "vhost": "/", "namespace": "orders", "route": "pos", "tier": "standard", "lane": "stable"}


def test_names_of_users_are_bounded_and_differ_where_anything_of_them_does() -> None:
    longest = naming.lane_user(CLUSTER, "/", "n" * 63, "r" * 40, "t" * 30, "canary")
    others = {naming.lane_user(**{**BASE, word: "other"}) for word in BASE}

    assert len(longest) <= 160
    assert len(others | {naming.lane_user(**BASE)}) == len(BASE) + 1
    assert naming.lane_user(**BASE).startswith("mr.orders.pos.standard.stable.")
    alone = naming.lane_user(**{**BASE, "tier": "suspect", "lane": "suspect"})
    assert re.fullmatch(r"mr\.orders\.pos\.suspect\.\w{8}", alone)
