"""Whether a merchant has the pod to itself, as a table of the orders that came."""

import pytest

from merchantroute_worker.bulkhead.neighbours import Neighbours


@pytest.mark.parametrize(
    ("seen", "asks", "now", "alone"),
    [
        # nobody else ever
        ([("bistro", 0.0)], "bistro", 0.0, True),
        ([("bistro", 0.0), ("bistro", 5.0)], "bistro", 5.0, True),
        # another just now, whoever came since
        ([("cafe", 0.0), ("bistro", 1.0)], "bistro", 9.9, False),
        ([("cafe", 0.0), ("bistro", 1.0), ("bistro", 9.0)], "bistro", 9.0, False),
        # another, long ago
        ([("cafe", 0.0), ("bistro", 1.0), ("bistro", 10.1)], "bistro", 10.1, True),
        # the last of many others counts
        ([("cafe", 0.0), ("diner", 5.0), ("bistro", 10.1)], "bistro", 14.0, False),
        # the other's turn
        ([("bistro", 0.0), ("cafe", 20.0)], "bistro", 20.0, False),
        ([("bistro", 0.0), ("cafe", 20.0)], "cafe", 20.0, True),
    ],
)
def test_a_merchant_is_alone_when_no_other_was_seen_for_ten_seconds(
    seen: list[tuple[str, float]], asks: str, now: float, alone: bool
) -> None:
    company = Neighbours()
    for merchant, at in seen:
        company.saw(merchant, at)

    assert company.is_alone(asks, now) is alone


@pytest.mark.parametrize(
    ("slots", "now", "alone"),
    [
        ([(True, 100.0)], 109.0, True),
        # who waits behind a pod that is full for so long would not be seen
        ([(True, 100.0)], 110.1, False),
        ([(True, 100.0), (True, 109.0)], 110.1, False),
        # free slots mean an empty queue: nobody waits
        ([(True, 100.0), (False, 109.0)], 200.0, True),
        ([(True, 100.0), (False, 109.0), (True, 110.0)], 119.0, True),
    ],
)
def test_it_is_alone_for_as_long_as_others_may_be_kept_waiting_unseen(
    slots: list[tuple[bool, float]], now: float, alone: bool
) -> None:
    company = Neighbours()
    company.saw("bistro", 0.0)
    for scarce, at in slots:
        company.slots(scarce=scarce, now=at)

    assert company.is_alone("bistro", now) is alone
