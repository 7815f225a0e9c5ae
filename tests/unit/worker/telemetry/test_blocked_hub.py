"""When a hub counts as held up, for how long, and how often that is said."""

from merchantroute_worker.reporting.hub_monitor import LINE_EVERY, Lateness, Teller
from merchantroute_worker.telemetry.counters import BlockedHub


def test_a_hub_that_turns_in_time_is_not_late() -> None:
    lateness = Lateness(after=0.5, turned=10.0)

    assert [lateness.turn(10.25 + 0.25 * n) for n in range(4)] == [None] * 4
    assert lateness.standing(11.7) is None
    assert lateness.turn(11.7) is None


def test_the_seconds_are_those_beyond_the_turn_that_was_due() -> None:
    lateness = Lateness(after=0.5, turned=10.0)

    assert lateness.standing(10.75) == 0.5
    assert lateness.turn(12.25) == 2.0
    assert lateness.standing(12.25) is None
    assert lateness.turn(12.25) is None, "the timer that is late comes twice at once"


def test_each_standstill_is_told_once_and_one_a_minute() -> None:
    teller = Teller()

    assert teller.tells(10.0, 10.5)
    assert not teller.tells(10.0, 80.0)
    assert teller.tells(80.0, 81.0)
    assert not teller.tells(90.0, 91.0)
    assert teller.tells(90.0, 81.0 + LINE_EVERY), "it stands still"


def test_the_longest_stays_and_the_latest_changes() -> None:
    seen = BlockedHub()
    seen.saw(3.0, 100.0)
    seen.saw(1.0, 200.0)

    assert (seen.count, seen.longest, seen.latest, seen.ended) == (2, 3.0, 1.0, 200.0)
