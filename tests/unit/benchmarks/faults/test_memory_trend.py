"""Memory is flat when its end is where it was after the warm-up."""

import pytest

from benchmarks.faults.reporting.memory_trend import flat


@pytest.mark.parametrize(
    ("samples", "is_flat"),
    [
        ([30, 50, *[60] * 50], True),  # a warm-up is no leak
        ([60 + n % 4 for n in range(60)], True),  # neither is noise
        ([60 + n * 0.5 for n in range(60)], False),
        ([60.0], True),
    ],
)
def test_growth_after_the_warm_up_is_what_counts(samples: list[float], is_flat: bool) -> None:
    assert flat(samples) is is_flat
