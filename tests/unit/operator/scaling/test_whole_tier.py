"""While a canary is on, the stable lane is sized for all of the tier's orders."""

from __future__ import annotations

from dataclasses import replace

import pytest

from merchantroute_operator.scaling.whole_tier import whole_tier
from tests.unit.operator.status_views import SEEN


def test_the_canarys_orders_are_added_and_its_own_speed_is_not() -> None:
    beside = replace(SEEN, queued=100, in_flight=10, arrival_rate=2.0, finished_rate=50.0, busy=9.0)
    both = whole_tier(SEEN, beside)
    assert (both.queued, both.in_flight) == (107, 13)
    assert both.arrival_rate == pytest.approx(3.234)
    assert (both.finished_rate, both.busy, both.replicas) == (SEEN.finished_rate, SEEN.busy, SEEN.replicas)


def test_what_is_unknown_of_the_canary_is_unknown_of_the_sum() -> None:
    assert whole_tier(SEEN, None) == SEEN
    assert whole_tier(SEEN, replace(SEEN, queued=None)).queued is None
    assert whole_tier(SEEN, replace(SEEN, arrival_rate=None)).arrival_rate is None
