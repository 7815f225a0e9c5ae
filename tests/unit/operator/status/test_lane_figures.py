"""The figures that a route's status shows, and what of it outlives a restart of the operator."""

from __future__ import annotations

from merchantroute_operator.status.assemble import status
from merchantroute_operator.status.lanes import order_times
from merchantroute_operator.status.view import View
from tests.unit.operator.status_views import a_lane, a_view

NOW = "2026-01-02T03:04:05Z"


def test_the_whole_status_with_figures_and_sums() -> None:
    written = status(a_view(), {}, NOW)
    assert written["observedGeneration"] == 3
    assert written["configGeneration"] == 9
    assert written["lanes"][0] == {
        "tier": "enterprise",
        "lane": "stable",
        "queue": "mr.orders.pos.enterprise.stable",
        "queued": 7,
        "retrying": 4,
        "inFlight": 3,
        "arrivalRate": 1.23,
        "doneRate": 5.68,
        "orderTime": 0.512,
        "replicas": 3,
        "readyReplicas": 2,
        "desiredReplicas": 2,
        "reason": "Steady: because",
        "slowMerchants": 1,
        "pausedMerchants": 0,
        "configGeneration": 9,
    }
    assert written["totals"] == {
        "queued": 14,
        "retrying": 8,
        "inFlight": 6,
        "dead": 1,
        "replicas": 6,
        "readyReplicas": 4,
        "desiredReplicas": 4,
        "merchants": 1,
        "ownQueues": 0,
    }
    assert status(a_view(), written, "2026-01-02T04:00:00Z") == written


def test_a_figure_that_is_not_known_is_left_out_and_so_is_its_sum() -> None:
    written = status(a_view(lanes=(a_lane("enterprise", queued=None), a_lane("standard")), dead=None), {}, NOW)
    assert "queued" not in written["lanes"][0]
    assert "queued" not in written["totals"]
    assert "dead" not in written["totals"]
    assert written["totals"]["inFlight"] == 6


def test_the_configurations_generation_is_not_forgotten_by_a_pass_that_did_not_come_to_it() -> None:
    assert status(View(generation=4), {"configGeneration": 41}, NOW)["configGeneration"] == 41
    assert "configGeneration" not in status(View(generation=4), {}, NOW)


def test_what_was_measured_can_be_read_back_from_the_status() -> None:
    assert order_times(status(a_view(), {}, NOW)) == {("enterprise", "stable"): 0.512, ("standard", "stable"): 0.512}
    assert order_times({}) == {}
