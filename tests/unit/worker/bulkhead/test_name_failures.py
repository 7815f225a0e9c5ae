"""Names that fail to resolve at several merchants at once are our own trouble."""

import pytest

from merchantroute_worker.bulkhead.name_failures import NameFailures


@pytest.mark.parametrize(
    ("failed", "now", "ours"),
    [
        ((("a", 0.0), ("b", 1.0), ("c", 2.0)), 2.0, True),
        ((("a", 0.0), ("b", 1.0), ("c", 2.0)), 10.0, True),
        ((("a", 0.0), ("b", 1.0), ("c", 2.0)), 10.1, False),
        # one merchant, however often
        (tuple(("a", float(second)) for second in range(9)), 9.0, False),
        ((("a", 0.0), ("b", 1.0)), 1.0, False),
        # long ago, and just now
        ((("a", 0.0), ("b", 100.0), ("c", 101.0)), 101.0, False),
        ((("a", 0.0), ("b", 100.0), ("c", 101.0), ("a", 102.0)), 102.0, True),
    ],
)
def test_several_merchants_within_seconds_are_no_coincidence(
    failed: tuple[tuple[str, float], ...], now: float, ours: bool
) -> None:
    names = NameFailures()
    for merchant, at in failed:
        names.failed(merchant, at)

    assert names.are_our_own(now) is ours
