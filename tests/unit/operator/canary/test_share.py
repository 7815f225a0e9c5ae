"""Whether a split parts orders as it should, from counters that are up to a period old and not of one moment."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from merchantroute_operator.canary.share import Measure, Reading, Share, measure, off, share, words


def measured(readings: Iterable[tuple[float, int, int]], weight: int = 50, side: str = "a") -> Measure:
    found = None
    for reading in readings:
        found = measure(found, weight, side, Reading(*reading))
    assert found is not None
    return found


def settled(stable: int, canary: int) -> list[tuple[float, int, int]]:
    """Nothing for a while, then so many orders, and nothing again."""
    quiet = [(at, 7, 7) for at in (0.0, 2.0, 4.0, 6.0)]
    return [*quiet, *((at, stable + 7, canary + 7) for at in (8.0, 10.0, 12.0, 14.0, 16.0))]


@pytest.mark.parametrize(
    ("weight", "stable", "canary", "is_off"),
    [
        (50, 500, 500, False),
        (50, 575, 425, False),  # of 1,000 orders chance alone may do that
        (50, 600, 400, True),
        (50, 4_830, 4_370, False),
        (50, 4_860, 4_340, True),
        (20, 1_000, 0, True),
        (20, 0, 1_000, True),
        (1, 9_900, 0, True),  # a canary of 1 % that gets nothing
        (1, 2_000, 0, False),  # 20 were due: too few to tell
        (99, 0, 9_900, True),
        (100, 0, 1_000, False),
        (100, 1_000, 0, True),
    ],
)
def test_a_share_is_off_beyond_chance_and_beyond_two_points(
    weight: int, stable: int, canary: int, is_off: bool
) -> None:
    found = share(measured(settled(stable, canary), weight))
    assert found is not None
    assert found.low == found.high
    assert off(weight, found) == is_off


def test_fewer_than_a_thousand_orders_are_no_share() -> None:
    assert share(measured(settled(499, 500))) is None


def test_a_burst_that_one_queue_has_told_and_the_other_has_not_is_no_verdict() -> None:
    readings = settled(0, 0)[:7]
    found = share(measured([*readings, (14.0, 5_007, 7), (16.0, 5_007, 5_007)]))
    assert found is None or not off(50, found)
    found = share(measured([*readings, (14.0, 5_007, 7)]))
    assert found is None or not off(50, found)


def test_orders_from_before_the_split_was_bound_do_not_count() -> None:
    """At the first readings the queues' figures may be a period old."""
    late = [(0.0, 0, 0), (2.0, 0, 0), (4.0, 9_000, 0), (6.0, 9_000, 0)]
    found = share(measured([*late, *((at, 9_500, 500) for at in (8.0, 10.0, 12.0, 14.0, 16.0))]))
    assert found is not None
    assert (found.orders, found.low <= 50 <= found.high) == (1_000, True)


def test_another_weight_another_side_or_a_counter_that_ran_back_begins_anew() -> None:
    before = measured(settled(5_000, 0))
    reading = Reading(18.0, 5_007, 7)
    assert share(measure(before, 50, "a", reading)) is not None
    assert share(measure(before, 60, "a", reading)) is None
    assert share(measure(before, 50, "b", reading)) is None
    assert share(measure(before, 50, "a", Reading(18.0, 3, 3))) is None


def test_a_long_good_past_does_not_hide_a_share_that_is_off_now() -> None:
    readings = settled(5_000, 5_000)[:-1]
    assert share(measured(readings)) is not None
    assert share(measured([*readings, (16.0, 5_007, 5_007)])) is None  # begins anew
    now = [(at, 7_007, 5_007) for at in (26.0, 28.0, 30.0, 32.0, 34.0)]
    found = share(measured([*readings, *((at, 5_007, 5_007) for at in (16.0, 18.0, 20.0, 22.0, 24.0)), *now]))
    assert found is not None
    assert off(50, found)


def test_it_is_told_in_figures() -> None:
    assert words(50, Share(2_000, 0.0, 0.0)) == "the canary got 0.0 % of 2,000 orders, not 50 %"
    assert words(5, Share(2_000, 10.0, 11.5)) == "the canary got 10.0 to 11.5 % of 2,000 orders, not 5 %"
