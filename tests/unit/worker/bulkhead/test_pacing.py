"""Refused orders of a slow merchant return paced, and a flood of them not all at once."""

from bisect import bisect_left
from itertools import pairwise

import pytest

from merchantroute_worker.bulkhead.pacing import (
    BATCH,
    BURST,
    LONGEST,
    MOST_MERCHANTS,
    RATE,
    SPACING,
    TOTAL_BURST,
    ReturnPacer,
)

SOONEST = 15.0
AT_ONCE = round(BATCH / SPACING)


def due_of(pacer: ReturnPacer, merchant: str, times: list[float]) -> list[float]:
    """When the orders refused at these times come back, of those that got a turn."""
    given = [(now, pacer.pace(merchant, now, soonest=SOONEST)) for now in times]
    return [now + wait / 1000 for now, wait in given if wait is not None]


def within(due: list[float], seconds: float) -> int:
    """The most that come back in any such time (half-open, to the millisecond that an expiration has)."""
    return max(bisect_left(due, start + seconds - 0.002) - number for number, start in enumerate(due))


def test_a_few_refusals_wait_on_their_rung() -> None:
    assert due_of(ReturnPacer(), "kiosk", [100.0] * BURST) == []
    assert due_of(ReturnPacer(), "kiosk", [100.0 + number / RATE for number in range(1_000)]) == []


def test_a_flood_comes_back_one_after_the_other() -> None:
    due = due_of(ReturnPacer(), "hung", [1000.0] * 1_000)

    assert len(due) == 1_000 - BURST
    assert due[0] == pytest.approx(1000.0 + SOONEST, abs=BATCH)
    assert due[-1] - due[0] == pytest.approx(SPACING * len(due), abs=BATCH)
    assert within(due, BATCH) <= AT_ONCE
    assert len(set(due)) <= len(due) / AT_ONCE + 1


def test_a_flood_that_is_refused_again_stays_apart() -> None:
    pacer = ReturnPacer()
    due = due_of(pacer, "hung", [1000.0] * 10_000)
    for _ in range(3):
        due = due_of(pacer, "hung", sorted(due))
        assert within(due, BATCH) <= AT_ONCE
    assert len(due) > 3_000


def test_a_neighbour_that_is_refused_a_little_does_not_wait_behind_a_flood() -> None:
    pacer = ReturnPacer()
    assert due_of(pacer, "hung", [1000.0] * 10_000)

    assert due_of(pacer, "kiosk", [1001.0] * BURST) == []


def test_many_slow_merchants_together_take_turns() -> None:
    pacer = ReturnPacer()
    waits = [pacer.pace(f"m{number}", 1000.0, soonest=SOONEST) for number in range(1_000)]

    assert waits.count(None) == TOTAL_BURST


def test_nobody_waits_longer_than_the_bound_and_none_before_an_earlier_one() -> None:
    times = [1000.0 + number / 10_000 for number in range(50_000)]
    due = due_of(ReturnPacer(), "hung", times)

    assert all(earlier <= later + 0.001 for earlier, later in pairwise(due))
    assert max(due) <= times[-1] + LONGEST + BATCH


def test_a_merchant_is_forgotten_once_it_could_be_refused_as_much_again() -> None:
    pacer = ReturnPacer()
    waits = [
        pacer.pace(f"m{number}", 1000.0 + number / RATE / 7, soonest=SOONEST) for number in range(3 * MOST_MERCHANTS)
    ]

    assert waits.count(None) == len(waits)
