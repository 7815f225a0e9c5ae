"""The figures of a cell, from values."""

import math
from typing import Any

import pytest

from benchmarks.isolation_compared.cell_figures import (
    STEPS,
    CellEvidence,
    figures,
    isolation_seconds,
    jain,
    percentile,
)
from benchmarks.isolation_compared.merchant_calls import Call

DONE = dict.fromkeys(STEPS, 1)


def order(number: int, merchant: str, at: float, done: float | None) -> dict[str, Any]:
    """An order that was published and, unless `done` is None, confirmed."""
    name = f"r-{number}"
    calls = [] if done is None else [Call(name, "confirm", merchant, done - 0.3, done, 200)]
    return {"published": {name: (merchant, at)}, "calls": calls, "book": {} if done is None else {name: DONE}}


def evidence(*orders: dict[str, Any], **more: Any) -> CellEvidence:
    """A cell whose fault is from 100 to 130, and which was looked at until 160."""
    return CellEvidence(
        **{
            "published": {name: each for one in orders for name, each in one["published"].items()},
            "calls": [call for one in orders for call in one["calls"]],
            "book": {name: steps for one in orders for name, steps in one["book"].items()},
            "troubled": frozenset({"hung"}),
            "fault_at": 100.0,
            "healed_at": 130.0,
            "ended_at": 160.0,
            **more,
        }
    )


def test_healthy_orders_are_those_of_others_from_three_seconds_after_the_beginning_until_healing() -> None:
    seen = figures(
        evidence(
            order(1, "well", 99, 120),  # before
            order(2, "well", 102, 112),  # in the first three seconds
            order(3, "well", 110, 111),
            order(4, "hung", 110, 150),
            order(5, "well", 131, 150),  # after
        )
    )

    assert (seen.healthy_p50, seen.healthy_p99, seen.healthy_p99_all) == (1, 1, 10)


def test_an_order_that_is_not_done_counts_as_long_as_it_was_looked_at() -> None:
    seen = figures(evidence(order(1, "well", 110, None), order(2, "well", 120, 121)))

    assert (seen.healthy_p99, seen.healthy_undone) == (50, 1)


def test_an_empty_measurement_is_not_a_number() -> None:
    assert math.isnan(percentile([], 99))


@pytest.mark.parametrize(("percent", "value"), [(50, 50), (99, 99), (100, 100), (1, 1)])
def test_percentiles_are_values_that_occurred(percent: float, value: int) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == value


def test_jains_index_tells_one_who_has_everything_from_all_alike() -> None:
    assert jain([1, 1, 1, 1]) == 1
    assert jain([1, 0, 0, 0]) == 0.25


def test_fairness_is_of_healthy_merchants_orders_that_were_done_in_time() -> None:
    seen = figures(evidence(order(1, "a", 110, 111), order(2, "b", 110, 120), order(3, "hung", 110, 159)))

    assert seen.fairness == 0.5


def test_isolation_counts_from_the_first_call_that_met_the_fault() -> None:
    calls = [
        Call("r-1", "validate", "hung", 98, 104, 0),  # under way as the fault began
        Call("r-2", "validate", "hung", 101, 106, 0),
    ]

    assert isolation_seconds(evidence(calls=calls, opened={"hung": 107.5, "well": 101.0})) == [7.5]


def test_the_operators_own_time_counts_from_when_pods_had_found_a_merchant_slow() -> None:
    seen = figures(
        evidence(opened={"hung": 107.5, "well": 109.0}, found_slow={"hung": 105.0, "well": 101.0, "other": 1.0})
    )

    assert seen.bound_after_slow == 2.5


def test_nobody_was_isolated() -> None:
    seen = figures(evidence(calls=[Call("r-1", "validate", "hung", 101, 104, 0)]))

    assert (seen.isolation_seconds, seen.isolation_median) == (None, None)


def test_a_healthy_merchants_own_queue_was_opened_in_vain() -> None:
    seen = figures(evidence(opened={"hung": 107.5, "well": 101.0}))

    assert (seen.isolated, seen.false_openings) == (1, 1)


def test_the_troubled_merchants_calls_at_a_time_are_counted_during_the_fault() -> None:
    calls = [
        Call("r-1", "validate", "hung", 101, 106, 0),
        Call("r-2", "validate", "hung", 102, 107, 0),
        Call("r-3", "validate", "hung", 107, 112, 0),
        *[Call(f"r-{number}", "validate", "well", 101, 106, 200) for number in range(4, 9)],
        *[Call(f"r-{number}", "validate", "hung", 145, 146, 200) for number in range(9, 12)],
    ]
    seen = figures(evidence(calls=calls))

    assert (seen.most_slots, seen.recovery_peak) == (2, 3)


def test_recovery_lasts_until_the_last_order_is_done_that_the_troubled_had_by_then() -> None:
    seen = figures(evidence(order(1, "hung", 110, 137), order(2, "hung", 129, 142), order(3, "hung", 135, 150)))

    assert (seen.recovery_seconds, seen.recovered) == (12, True)


def test_a_recovery_that_did_not_end_says_so() -> None:
    seen = figures(evidence(order(1, "hung", 110, None)))

    assert (seen.recovery_seconds, seen.recovered) == (30, False)


def test_without_a_fault_nobody_recovers() -> None:
    assert figures(evidence(order(1, "well", 110, 111), troubled=frozenset())).recovery_seconds is None


def test_refusals_are_those_of_healthy_orders_by_order() -> None:
    seen = figures(
        evidence(order(1, "well", 110, 111), order(2, "well", 111, 112), refused={"well": 1, "hung": 30}, publishes=3)
    )

    assert (seen.refused, seen.amplification) == (0.5, 1.5)


def test_the_ledger_tells_done_dead_queued_lost_and_doubled() -> None:
    seen = figures(
        evidence(
            order(1, "well", 110, 111),
            order(2, "well", 110, None),
            order(3, "well", 110, None),
            order(4, "well", 110, None),
            {**order(5, "well", 110, 111), "book": {"r-5": {**DONE, "submit": 2}}},
            dead=frozenset({"r-1", "r-2", "not ours"}),
            queued=frozenset({"r-2", "r-3"}),
        )
    )

    assert (seen.done, seen.dead, seen.queued, seen.lost, seen.doubled) == (2, 1, 1, 1, 1)
    assert seen.published == 5
