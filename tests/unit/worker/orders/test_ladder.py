"""The choice of the rung that an order waits on."""

import pytest

from merchantroute_worker.orders import ladder

THREE = (1_000, 15_000, 120_000)


@pytest.mark.parametrize(
    ("attempt", "draw", "rung"),
    [
        # one of the two rungs around its place, evenly
        (1, 0.0, 1_000),
        (1, 0.49, 1_000),
        (1, 0.5, 15_000),
        (1, 0.99, 15_000),
        (2, 0.0, 15_000),
        (2, 0.99, 120_000),
        # the last two from then on
        (3, 0.0, 15_000),
        (3, 0.99, 120_000),
        (99, 0.0, 15_000),
        (99, 0.99, 120_000),
    ],
)
def test_attempts_climb_the_ladder_with_jitter(attempt: int, draw: float, rung: int) -> None:
    assert ladder.after_attempt(attempt, THREE, draw=draw) == rung


@pytest.mark.parametrize(
    ("asked", "rung"),
    [(0, 1_000), (0.5, 1_000), (2, 15_000), (15, 15_000), (16, 120_000), (3_600, 120_000), (float("inf"), 120_000)],
)
def test_a_merchant_s_retry_after_is_honoured_up_to_the_longest_rung(asked: float, rung: int) -> None:
    assert ladder.after_attempt(1, THREE, draw=0.0, retry_after=asked) == rung


def test_retry_after_never_shortens_the_wait() -> None:
    assert ladder.after_attempt(3, THREE, draw=0.99, retry_after=1) == 120_000


@pytest.mark.parametrize(
    ("delays", "rungs"),
    [
        (THREE, [15_000, 120_000, 120_000]),
        ((1, 2), [1, 2, 2]),
        ((7,), [7, 7, 7]),
        ((1, 2, 3, 4), [2, 4, 4]),
    ],
)
def test_refusals_wait_on_the_middle_rung_first_and_then_on_the_last(delays: tuple[int, ...], rungs: list[int]) -> None:
    assert [ladder.after_refusal(refusals, delays) for refusals in range(3)] == rungs


def test_who_got_no_slot_comes_back_soon_three_times_and_then_later() -> None:
    rungs = [ladder.without_slot(refusals, THREE) for refusals in range(6)]
    assert rungs == [1_000, 1_000, 1_000, 15_000, 120_000, 120_000]


@pytest.mark.parametrize(
    ("remaining", "rung"), [(0.4, 1_000), (1.0, 1_000), (14.9, 1_000), (15, 15_000), (9e9, 120_000)]
)
def test_an_order_for_later_comes_back_before_it_is_due(remaining: float, rung: int) -> None:
    assert ladder.before_eta(remaining, THREE) == rung


def test_one_rung_is_enough_of_a_ladder() -> None:
    assert ladder.after_attempt(5, (300,), draw=0.9) == 300
