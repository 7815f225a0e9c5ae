"""Durations, moments and rates as people write them."""

from datetime import datetime

import pytest

from merchantroute_worker.cli import durations

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("2h", 7200), ("1d12h", 129_600), ("1.5h", 5400), ("1w", 604_800), ("0s", 0)],
)
def test_a_duration_is_so_many_seconds(text: str, seconds: float) -> None:
    assert durations.duration(text) == seconds
    assert durations.moment(text, now=NOW) == NOW - seconds


@pytest.mark.parametrize("text", ["", "2", "h", "-2h", "2 h", "2y", "1.2.3h", "١h "])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert durations.duration(text) is None


def test_a_moment_may_carry_its_zone() -> None:
    assert durations.moment("2027-01-15T09:00:00+01:00", now=NOW) == 1_800_000_000
    assert durations.moment("2027-01-15T08:00:00Z", now=NOW) == 1_800_000_000


def test_a_moment_without_a_zone_is_in_this_machine_s() -> None:
    local = datetime(2027, 1, 15, 8, 0).astimezone().timestamp()

    assert durations.moment("2027-01-15T08:00", now=NOW) == local


@pytest.mark.parametrize("text", ["yesterday", "2h ago", "0001-01-01T00:00:00+23:59", "25:00", "-1h"])
def test_what_is_no_time_is_answered_with_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no time: write 2h"):
        durations.moment(text, now=NOW)


@pytest.mark.parametrize(("text", "rate"), [("50/s", 50), ("600/m", 10), ("3600/h", 1), ("7", 7), ("0.5/s", 0.5)])
def test_a_rate_is_orders_per_second(text: str, rate: float) -> None:
    assert durations.rate(text) == rate


def test_max_is_no_bound() -> None:
    assert durations.rate("max") is None


@pytest.mark.parametrize("text", ["0", "0/s", "-1/s", "fast", "50/d", "50/", ""])
def test_what_is_no_rate_is_answered_with_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no rate: write 50/s"):
        durations.rate(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"), (-5, "0s"), (45.4, "45s"), (150, "2m30s"), (3600, "1h"), (3605, "1h"), (7260, "2h1m"),
        (90_000, "1d1h"), (86_460, "1d"), (40 * 86_400, "40d"),
    ],
)  # fmt: skip
def test_an_age_is_told_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert durations.age(seconds) == text


def test_a_time_that_no_calendar_has_is_told_as_a_number() -> None:
    assert durations.iso(1_800_000_000) == "2027-01-15T08:00:00Z"
    assert durations.iso(1e18) == "1e+18 s since 1970"
