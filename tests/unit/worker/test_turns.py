"""A refused order comes back after a while, and not all of them at once."""

from itertools import pairwise

import pytest

from merchantroute_worker.turns import SPACING, Turns

THREE = (1_000, 15_000, 120_000)


@pytest.mark.parametrize(("delays", "wait"), [(THREE, 15_000), ((7,), 7), ((1, 2), 1), ((1, 2, 3, 4), 2)])
def test_an_order_that_is_refused_alone_waits_as_long_as_the_middle_rung(delays: tuple[int, ...], wait: int) -> None:
    turns = Turns()

    assert [turns.wait(now, delays) for now in (100.0, 200.0)] == [wait, wait]


def test_orders_that_are_refused_together_come_back_one_after_the_other() -> None:
    turns = Turns()
    due = [1000.0 + turns.wait(1000.0, THREE) / 1000 for _ in range(1_000)]

    assert due[0] == 1015.0
    assert all(later - earlier == pytest.approx(SPACING, abs=0.002) for earlier, later in pairwise(due))


def test_a_flood_that_comes_back_in_turns_stays_apart_when_it_is_refused_again() -> None:
    turns, now = Turns(), 1000.0
    due = sorted(now + turns.wait(now, THREE) / 1000 for _ in range(10_000))
    for _ in range(3):
        due = [at + turns.wait(at, THREE) / 1000 for at in due]

    assert all(later - earlier >= 0.010 for earlier, later in pairwise(due))


def test_nobody_waits_longer_than_twice_the_longest_rung_and_none_before_an_earlier_one() -> None:
    turns = Turns()
    due = [now + turns.wait(now, THREE) / 1000 for now in (1000.0 + n / 10_000 for n in range(50_000))]

    assert all(earlier <= later + 0.001 for earlier, later in pairwise(due))
    assert max(at - (1000.0 + n / 10_000) for n, at in enumerate(due)) <= 240.001
