"""Cap and baseline of a merchant as they follow its answers, as tables of events."""

import pytest

from merchantroute_worker.bulkhead.adaptive_limit import AdaptiveLimit, succeeded, timed_out

CEILING = 40


def answers(state: AdaptiveLimit, count: int, *, seconds: float, in_flight: int, since: float = 0.0) -> AdaptiveLimit:
    """So many successes, one after the other."""
    for number in range(count):
        now = since + (number + 1) * seconds
        state = succeeded(state, seconds=seconds, in_flight=in_flight, now=now, ceiling=CEILING)
    return state


HEALTHY = answers(AdaptiveLimit(), 100, seconds=0.1, in_flight=30)


def test_the_cap_starts_at_the_ceiling_and_follows_it() -> None:
    assert AdaptiveLimit().within(40) == HEALTHY.within(40) == 40
    assert HEALTHY.within(60) == 60
    assert AdaptiveLimit(cap=30.0).within(10) == 10


@pytest.mark.parametrize(
    ("began", "cap"),
    [
        # calls that time out together are one drop
        ([0.0], 20),
        ([0.0, 0.1, 0.2, 9.9], 20),
        # one that began with the lowered cap is the next
        ([0.0, 10.0], 10),
        ([0.0, 10.0, 20.0, 30.0, 40.0], 1),
        # and the floor is 1
        ([float(10 * n) for n in range(20)], 1),
    ],
)
def test_a_time_out_halves_the_cap_once_per_call(began: list[float], cap: int) -> None:
    state = HEALTHY
    for start in began:
        state = timed_out(state, began=start, now=start + 10.0 if start % 10 == 0 else 10.0, ceiling=CEILING)

    assert state.within(CEILING) == cap
    assert state.timeouts == len(began)


@pytest.mark.parametrize(
    ("successes", "in_flight", "cap"),
    [
        (3, 4, 4),
        # as many successes as the cap is high are one more, and so on
        (4, 4, 5),
        (10, 4, 6),
        (2_000, 40, 40),
        # a cap that is not made use of does not grow
        (2_000, 1, 4),
        (2_000, 2, 5),
    ],
)
def test_as_many_successes_as_the_cap_is_high_raise_it_by_one(successes: int, in_flight: int, cap: int) -> None:
    state = answers(HEALTHY._replace(cap=4.01), successes, seconds=0.1, in_flight=in_flight)

    assert state.within(CEILING) == cap


@pytest.mark.parametrize(
    ("count", "seconds", "in_flight", "lowered"),
    [
        # three times as slow as usual with half of the cap in use: load is the reason
        (20, 0.5, 20, True),
        # not three times as slow
        (50, 0.25, 40, False),
        # one slow answer is chance
        (1, 0.9, 40, False),
        # far from the cap it is not load
        (20, 0.5, 10, False),
        # alone in flight neither
        (20, 0.5, 1, False),
    ],
)
def test_slow_answers_under_load_lower_the_cap(count: int, seconds: float, in_flight: int, lowered: bool) -> None:
    state = answers(HEALTHY, count, seconds=seconds, in_flight=in_flight, since=100.0)

    assert (state.within(CEILING) < CEILING) is lowered


def test_what_is_noise_for_this_pod_is_no_drop_for_a_quick_merchant() -> None:
    quick = answers(AdaptiveLimit(), 100, seconds=0.005, in_flight=30)

    assert answers(quick, 50, seconds=0.09, in_flight=30, since=100.0).cap is None


def test_the_baseline_rests_while_the_merchant_fails_under_load() -> None:
    failing = answers(HEALTHY, 200, seconds=1.0, in_flight=30, since=100.0)
    failing = timed_out(failing, began=400.0, now=410.0, ceiling=CEILING)

    assert failing.usual == HEALTHY.usual == pytest.approx(0.1)


def test_a_merchant_that_has_changed_for_good_gets_its_slots_back() -> None:
    state = answers(HEALTHY, 200, seconds=1.0, in_flight=30, since=100.0)
    assert state.within(CEILING) == 1

    # Held to one call in flight, slow answers cannot come from load.
    state = answers(state, 40, seconds=1.0, in_flight=1, since=400.0)
    for _ in range(2_000):
        state = answers(state, 1, seconds=1.0, in_flight=state.within(CEILING), since=500.0)

    assert state.within(CEILING) == CEILING


def test_the_first_answers_say_what_is_usual_and_lower_nothing() -> None:
    state = answers(AdaptiveLimit(), 5, seconds=0.1, in_flight=25)

    state = answers(state, 500, seconds=2.0, in_flight=25, since=1.0)

    assert state.cap is None
    assert state.usual == pytest.approx(2.0, rel=0.05)


def test_who_is_held_to_one_slot_and_answers_no_sooner_has_changed() -> None:
    """It has more than that one while slots are free, but by far not what it bore."""
    state = answers(HEALTHY, 200, seconds=1.0, in_flight=30, since=100.0)
    assert state.within(CEILING) == 1

    state = answers(state, 100, seconds=1.0, in_flight=8, since=400.0)

    assert state.usual == pytest.approx(1.0, rel=0.2)
    assert state.within(CEILING) > 8


def test_a_long_tail_costs_a_healthy_merchant_nothing() -> None:
    state = AdaptiveLimit()
    for number in range(3_000):
        seconds = 0.25 if number % 50 == 0 else 0.08
        state = succeeded(state, seconds=seconds, in_flight=40, now=number * 0.01, ceiling=CEILING)

    assert state.cap is None
