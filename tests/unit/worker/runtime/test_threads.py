"""Loops that wait for a beat of the same interval wake together, and none of them twice for one beat."""

import time

import pytest

from merchantroute_worker.runtime import threads
from merchantroute_worker.runtime.threads import until_beat


@pytest.mark.parametrize(
    ("now", "seconds"), [(100.0, 0.25), (100.1, 0.15), (100.24, 0.26), (100.2499, 0.2501), (100.18, 0.07)]
)
def test_the_next_beat_is_a_multiple_of_the_interval_that_is_not_at_once(
    monkeypatch: pytest.MonkeyPatch, now: float, seconds: float
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(threads, "_STARTED", 90.0)

    assert until_beat(0.25) == pytest.approx(seconds)
