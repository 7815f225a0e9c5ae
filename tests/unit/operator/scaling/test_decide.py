"""How many pods a lane gets, tick by tick, as commented tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from merchantroute_operator.scaling import scale_reasons
from merchantroute_operator.scaling.decide import decide
from merchantroute_operator.scaling.model import Decision, Memory, Observation
from merchantroute_operator.spec.route import Scaling

POLICY = Scaling(
    min_replicas=0,
    max_replicas=20,
    target_drain_time=30.0,
    scale_down_after=120.0,
    assumed_order_time=2.0,
    paused=False,
)
# One pod of 100 slots takes 0.7 * 100 / 2 s = 35 orders a second.
SLOTS = 100
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
WATCHED = Memory(order_time=None, asked=((1000.0 - 119.0, 0),))  # a past in which nothing was asked for


def decided(memory: Memory = WATCHED, policy: Scaling = POLICY, **seen: Any) -> Decision:
    return decide(replace(QUIET, **seen), policy, SLOTS, memory)


@pytest.mark.parametrize(
    ("seen", "replicas"),
    [
        # 35/s fit into one pod, one more does not
        ({"arrival_rate": 35.0}, 1),
        ({"arrival_rate": 35.1}, 2),
        # 1,050 orders in 30 s are 35/s
        ({"queued": 1050}, 1),
        ({"queued": 1051}, 2),
        # what comes back from the ladder in time counts, what is being worked does not
        ({"queued": 1000, "due_retries": 100.0}, 2),
        ({"queued": 1050, "in_flight": 100}, 1),
        # all together
        ({"arrival_rate": 35.0, "queued": 1050, "due_retries": 1050.0}, 3),
        # one order needs one pod, also one that is in flight, far up the ladder, or rare
        ({"queued": 1}, 1),
        ({"in_flight": 1}, 1),
        ({"due_retries": 0.25}, 1),
        ({"arrival_rate": 0.01}, 1),
        # clamped
        ({"queued": 1_000_000}, 20),
    ],
)
def test_pods_are_what_arrivals_and_backlog_need(seen: dict[str, Any], replicas: int) -> None:
    assert decided(**seen, replicas=1).replicas == replicas


def test_from_zero_it_goes_straight_to_the_number_needed() -> None:
    decision = decided(queued=10_500, replicas=0, ready_pods=0, finished_rate=0.0, busy=0.0)
    assert (decision.replicas, decision.reason) == (10, scale_reasons.WOKEN)
    assert "From 0 to 10 pods" in decision.message


@pytest.mark.parametrize(
    ("seen", "policy", "replicas", "reason"),
    [
        # growing is immediate
        ({"arrival_rate": 100.0, "replicas": 2}, {}, 3, scale_reasons.GROWING),
        ({"arrival_rate": 100.0, "replicas": 3}, {}, 3, scale_reasons.STEADY),
        ({"arrival_rate": 10_000.0, "replicas": 20}, {}, 20, scale_reasons.AT_MAXIMUM),
        # nothing at all
        ({"replicas": 1}, {}, 0, scale_reasons.IDLE),
        ({"replicas": 0}, {}, 0, scale_reasons.IDLE),
        ({"replicas": 2}, {"min_replicas": 2}, 2, scale_reasons.AT_MINIMUM),
        ({"replicas": 1}, {"min_replicas": 2}, 2, scale_reasons.GROWING),
        # told to leave it alone, also outside the limits
        ({"arrival_rate": 100.0, "replicas": 1}, {"paused": True}, 1, scale_reasons.PAUSED),
        ({"replicas": 25}, {"paused": True}, 25, scale_reasons.PAUSED),
        # nothing is known: held, within the limits
        ({"fresh": False, "replicas": 5, "queued": 99_999}, {}, 5, scale_reasons.FIGURES_STALE),
        ({"queued": None, "replicas": 5}, {}, 5, scale_reasons.FIGURES_STALE),
        ({"in_flight": None, "replicas": 5}, {}, 5, scale_reasons.FIGURES_STALE),
        ({"fresh": False, "replicas": 0}, {}, 0, scale_reasons.FIGURES_STALE),
        ({"fresh": False, "replicas": 0}, {"min_replicas": 1}, 1, scale_reasons.FIGURES_STALE),
        ({"fresh": False, "replicas": 30}, {}, 20, scale_reasons.FIGURES_STALE),
    ],
)
def test_each_decision_has_its_reason(seen: dict[str, Any], policy: dict[str, Any], replicas: int, reason: str) -> None:
    decision = decided(policy=replace(POLICY, **policy), **seen)
    assert (decision.replicas, decision.reason) == (replicas, reason)
    assert decision.reason in scale_reasons.ALL


def test_shrinking_waits_for_the_maximum_asked_for_over_scale_down_after() -> None:
    memory, replicas, told = WATCHED, 4, []
    # (seconds later, arrivals): 140/s need 4 pods, 70/s need 2
    for later, arrivals in ((0, 140.0), (10, 70.0), (60, 105.0), (119, 70.0), (121, 70.0), (179, 70.0), (181, 70.0)):
        decision = decided(memory, now=1000.0 + later, arrival_rate=arrivals, replicas=replicas)
        memory, replicas = decision.memory, decision.replicas
        told.append((later, decision.replicas, decision.reason))
    assert told == [
        (0, 4, scale_reasons.STEADY),
        (10, 4, scale_reasons.COOLING_DOWN),
        (60, 4, scale_reasons.COOLING_DOWN),
        (119, 4, scale_reasons.COOLING_DOWN),
        (121, 3, scale_reasons.SHRINKING),  # what was asked for at 60 s still counts
        (179, 3, scale_reasons.COOLING_DOWN),
        (181, 2, scale_reasons.SHRINKING),
    ]


def test_an_operator_that_has_just_started_shrinks_nothing_before_it_has_watched_long_enough() -> None:
    decision = decided(Memory(), replicas=7)
    assert (decision.replicas, decision.reason) == (7, scale_reasons.COOLING_DOWN)
    later = decided(decision.memory, now=1000.0 + 121.0, replicas=7)
    assert later.replicas == 0


def test_without_a_rate_of_arrivals_it_may_grow_but_not_shrink() -> None:
    assert decided(arrival_rate=None, queued=10_500, replicas=2).replicas == 10
    assert decided(arrival_rate=None, queued=0, replicas=2).replicas == 2


def test_the_memory_stays_small() -> None:
    memory = WATCHED
    for tick in range(1000):
        memory = decided(memory, now=1000.0 + 2 * tick, arrival_rate=35.0, replicas=1).memory
    assert len(memory.asked) == 1


@pytest.mark.parametrize(
    ("before", "busy", "done", "after"),
    [
        # nothing measured, nothing assumed here: the policy's assumedOrderTime stands in
        (None, 0.0, 0.0, None),
        (None, None, None, None),
        # 50 slots busy at 10 attempts a second: 5 s each
        (None, 50.0, 10.0, 5.0),
        # smoothed
        (5.0, 100.0, 10.0, 6.0),
        (5.0, 0.0, 0.0, 5.0),
        # busy, but nothing finishes: a stall says nothing about S
        (5.0, 100.0, 0.0, 5.0),
    ],
)
def test_the_time_an_order_takes_is_measured_from_busy_slots(
    before: float | None, busy: float | None, done: float | None, after: float | None
) -> None:
    memory = replace(WATCHED, order_time=before)
    assert decided(memory, busy=busy, finished_rate=done).memory.order_time == after


def test_the_measured_time_replaces_the_assumed_one() -> None:
    slow = replace(WATCHED, order_time=20.0)  # 3.5 orders a second and pod
    assert decided(slow, arrival_rate=35.0, busy=0.0, finished_rate=0.0).replicas == 10


def test_what_was_measured_outlives_a_pause_and_stale_figures() -> None:
    memory = replace(WATCHED, order_time=20.0)
    assert decided(memory, fresh=False).memory == memory
    paused = decided(memory, policy=replace(POLICY, paused=True), replicas=5)
    assert paused.memory.order_time == 20.0
    # after the pause the present number counts as asked for: no sudden drop
    assert decided(paused.memory, replicas=5).replicas == 5
