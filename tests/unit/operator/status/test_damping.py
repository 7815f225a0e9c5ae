"""A status is written when it says something new: figures move seldom, and an idle route causes no writes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from merchantroute_operator.status.damping import Damping, Standing, between, damp_dead, damp_lanes
from tests.unit.operator.operator_under_test import DOOR, KEY
from tests.unit.operator.reconcile.passes.test_suspect_lane import Fleet
from tests.unit.operator.route_samples import raw_route

LANE: dict[str, Any] = {
    "tier": "standard",
    "lane": "stable",
    "queue": "q",
    "queued": 100,
    "arrivalRate": 5.0,
    "replicas": 2,
    "desiredReplicas": 2,
    "reason": "Steady: Held at 2 pods: 100 orders",
}


def told(may_move: bool = True, **change: Any) -> dict[str, Any]:
    (lane,) = damp_lanes([{**LANE, **change}], [LANE], Damping(may_move))
    return lane


@pytest.mark.parametrize(
    ("change", "moves"),
    [
        ({"queued": 109}, False),
        ({"queued": 110}, True),
        ({"queued": 90}, True),
        ({"queued": 91}, False),
        ({"queued": 0}, True),
        ({"arrivalRate": 5.4}, False),
        ({"arrivalRate": 5.5}, True),
        ({"reason": "Steady: Held at 2 pods: 101 orders"}, False),
    ],
)
def test_a_figure_moves_when_it_has_changed_by_a_tenth(change: dict[str, Any], moves: bool) -> None:
    assert told(**change) == ({**LANE, **change} if moves else LANE)


def test_no_figure_moves_before_its_time() -> None:
    assert told(may_move=False, queued=5000, arrivalRate=0.0) == LANE


@pytest.mark.parametrize(
    "change", [{"replicas": 1}, {"desiredReplicas": 9}, {"reason": "Growing: 101"}, {"message": "pod x: no image"}]
)
def test_what_is_no_figure_moves_at_once_and_takes_the_figures_along(change: dict[str, Any]) -> None:
    assert told(may_move=False, queued=101, **change) == {**LANE, "queued": 101, **change}


def test_a_fault_that_is_over_is_no_longer_told() -> None:
    old = {**LANE, "message": "pod x: no image"}
    assert damp_lanes([LANE], [old], Damping(may_move=False)) == [LANE]


@pytest.mark.parametrize(
    ("new", "old", "may_move", "shown"),
    [(1, 0, True, 1), (1, 0, False, 0), (None, 3, True, None), (3, None, True, 3), (3, None, False, None)],
)
def test_a_figure_that_becomes_known_or_unknown_has_changed(
    new: int | None, old: int | None, may_move: bool, shown: int | None
) -> None:
    assert damp_dead(new, old, Damping(may_move)) == shown


def writes_of(fleet: Fleet, *, seconds: float, step: float = 2.0) -> list[str]:
    """What ticks, timed passes and the events of the operator's own writes cause."""
    fleet.log.clear()
    end = fleet.at + seconds
    while fleet.at < end:
        fleet.tick(step)
        asyncio.run(fleet.reconciler.reconcile(KEY))
    return list(fleet.log)


def standing() -> Fleet:
    """All pods are there, and nothing has been written for the last time."""
    fleet = Fleet(raw_route(merchants={"hut": "enterprise"}))
    for _ in range(3):
        fleet.settle()
    writes_of(fleet, seconds=400)
    return fleet


def test_an_idle_route_causes_no_writes_for_as_long_as_it_is_idle() -> None:
    fleet = standing()
    fleet.kube.events.clear()
    assert writes_of(fleet, seconds=3600) == []
    assert fleet.kube.events == []


def test_with_an_order_waiting_the_configuration_tells_that_the_operator_is_alive() -> None:
    fleet = standing()
    fleet.broker.held = {f"{DOOR}.standard.retry.1000": 1}
    assert "apply ConfigMap" in writes_of(fleet, seconds=400)


def test_figures_that_change_all_the_time_are_written_every_ten_seconds_at_most() -> None:
    fleet = standing()
    fleet.log.clear()
    for _ in range(30):  # a minute
        fleet.broker.held = {f"{DOOR}.dead": fleet.broker.held.get(f"{DOOR}.dead", 1) * 2}
        fleet.tick(2.0)
        asyncio.run(fleet.reconciler.reconcile(KEY))
    assert 4 <= fleet.log.count("status") <= 6


def last_figures(fleet: Fleet, name: str, held: int) -> list[Any]:
    """What a total shows after each write, once a burst has left so many orders in the queue."""
    fleet.broker.held = {f"{DOOR}.{name}": held}
    shown = []
    for _ in range(30):  # a minute
        fleet.tick(2.0)
        asyncio.run(fleet.reconciler.reconcile(KEY))
        shown.append(dict(fleet.kube.status["totals"]))
    return shown


@pytest.mark.parametrize(
    ("queue", "figure", "before", "after"),
    [("dead", "dead", 78, 81), ("standard.retry.120000", "retrying", 100, 104)],
)
def test_a_route_that_falls_quiet_shows_exact_figures(queue: str, figure: str, before: int, after: int) -> None:
    fleet = standing()
    assert last_figures(fleet, queue, before)[-1][figure] == before
    fleet.log.clear()
    shown = [totals[figure] for totals in last_figures(fleet, queue, after)]
    assert (shown[0], shown[-1]) == (before, after)
    assert fleet.log.count("status") == 1
    assert writes_of(fleet, seconds=600).count("status") == 0


def test_dead_letters_are_exact_although_orders_go_on_flowing() -> None:
    fleet = standing()
    last_figures(fleet, "dead", 78)
    for turn in range(30):
        fleet.broker.held = {f"{DOOR}.dead": 81, f"{DOOR}.standard.stable": turn % 3}
        fleet.tick(2.0)
        asyncio.run(fleet.reconciler.reconcile(KEY))
    assert fleet.kube.status["totals"]["dead"] == 81


@pytest.mark.parametrize(("merchants", "seconds"), [(0, 10.0), (300, 10.0), (2000, 60.0)])
def test_a_larger_object_is_written_less_often(merchants: int, seconds: float) -> None:
    assert between(merchants) == seconds


def test_what_changed_a_moment_ago_does_not_stand_still() -> None:
    standing_figures = Standing()
    key = ("standard", "stable")
    assert standing_figures.take_in([LANE], 3, {}, 0.0) == frozenset()
    assert standing_figures.take_in([LANE], 4, {}, 9.0) == frozenset()
    assert standing_figures.take_in([LANE], 4, {}, 10.0) == {key}
    assert standing_figures.take_in([{**LANE, "queued": 101}], 4, {}, 20.0) == {"dead"}
    assert standing_figures.take_in([], 4, {}, 21.0) == {"dead"}
