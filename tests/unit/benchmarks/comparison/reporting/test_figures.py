"""Medians over rounds, ratios, and runs put together."""

import pytest

from benchmarks.comparison.reporting.figures import figures, merged, percentiles, ratio
from tests.unit.benchmarks.comparison.reporting.windows import window


def test_a_figure_is_the_median_of_its_rounds() -> None:
    rounds = [window("bare-loop", 5, per_second=rate, per_cpu=10 * rate) for rate in (90, 10, 100)]

    seen = figures([*rounds, window("handwritten", 5)])["bare-loop", 5]

    assert (seen.rounds, seen.per_second, seen.per_cpu) == (3, 90, 900)
    assert (seen.per_hour, round(seen.cpu_of_1000, 3)) == (324_000, 1.111)


def test_what_was_not_seen_in_a_round_does_not_count() -> None:
    rounds = [window("bare-loop", 5, p99=None), window("bare-loop", 5, p99=2.0)]

    assert figures(rounds)["bare-loop", 5].p99 == 2.0
    assert figures(rounds[:1])["bare-loop", 5].p99 is None


@pytest.mark.parametrize(("one", "other", "is_what"), [(3.0, 2.0, 1.5), (3.0, 0.0, None), (None, 2.0, None)])
def test_a_ratio_to_nothing_is_none(one: float | None, other: float | None, is_what: float | None) -> None:
    assert ratio(one, other) == is_what


def test_few_series_have_a_median_and_no_p99() -> None:
    assert percentiles([1.0]) == (None, None)
    assert percentiles([1.0, 2.0, 3.0]) == (2.0, None)
    assert percentiles([float(number) for number in range(101)]) == (50.0, 99.0)


def test_what_is_measured_again_replaces_what_was_there() -> None:
    before = [window("bare-loop", 5), window("bare-loop", 50), window("handwritten", 5)]
    now = [window("bare-loop", 5, per_second=7.0)]

    assert merged(before, now) == [before[1], before[2], now[0]]
