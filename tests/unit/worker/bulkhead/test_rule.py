"""The bulkhead's rule as a table."""

import pytest

from merchantroute_worker.bulkhead.rule import Limits, Snapshot, Verdict, decide, is_slow

LIMITS = Limits(slots=100, ceiling=50, call_timeout=10.0)
BUSY_MERCHANT = Snapshot(in_flight=50, silence=0.1)
HUNG = Snapshot(in_flight=30, oldest=6.0, overdue=30, silence=6.0)
HUNG_BEFORE = Snapshot(in_flight=0, failures_in_a_row=3, silence=60.0)


@pytest.mark.parametrize(
    ("sight", "busy", "verdict"),
    [
        # no cap is felt while slots are free
        (BUSY_MERCHANT, 50, Verdict.ADMIT),
        (BUSY_MERCHANT, 75, Verdict.ADMIT),
        (Snapshot(in_flight=75, silence=0.1), 75, Verdict.ADMIT),
        # under a quarter free, the merchant at its cap is refused, and nobody else
        (BUSY_MERCHANT, 76, Verdict.CAP),
        (Snapshot(in_flight=49, silence=0.1), 99, Verdict.ADMIT),
        (Snapshot(), 99, Verdict.ADMIT),
    ],
)
def test_a_cap_is_felt_only_while_slots_are_scarce(sight: Snapshot, busy: int, verdict: Verdict) -> None:
    assert decide(sight, LIMITS, busy=busy, slots_of_slow=0) is verdict


@pytest.mark.parametrize(
    ("sight", "verdict"),
    [
        # lowered, it is felt where it is now, and at the ceiling at most
        (Snapshot(in_flight=9, silence=0.1, cap=10), Verdict.ADMIT),
        (Snapshot(in_flight=10, silence=0.1, cap=10), Verdict.CAP),
        (Snapshot(in_flight=1, silence=0.1, cap=0), Verdict.CAP),
        (Snapshot(silence=0.1, cap=0), Verdict.ADMIT),
        (Snapshot(in_flight=50, silence=0.1, cap=80), Verdict.CAP),
    ],
)
def test_a_merchant_s_own_cap_is_what_it_has_shown_to_bear(sight: Snapshot, verdict: Verdict) -> None:
    assert decide(sight, LIMITS, busy=99, slots_of_slow=0) is verdict


@pytest.mark.parametrize(
    ("sight", "verdict"),
    [
        # nobody else is kept waiting: all slots
        (Snapshot(in_flight=99, silence=0.1, usual=0.1), Verdict.ADMIT),
        (Snapshot(in_flight=99, silence=0.1, usual=0.1, cap=10), Verdict.ADMIT),
        (Snapshot(in_flight=99, silence=1.9, usual=1.0), Verdict.ADMIT),
        # but not to one that may be hung: it did not answer just now, or never, or failed since
        (Snapshot(in_flight=99, oldest=1.1, silence=1.1, usual=0.1), Verdict.CAP),
        # nobody asked it anything for an hour: that is no silence of its own
        (Snapshot(in_flight=99, oldest=0.2, silence=3_600, usual=0.1), Verdict.ADMIT),
        (Snapshot(in_flight=99), Verdict.CAP),
        (Snapshot(in_flight=99, silence=0.1, usual=0.1, failures_in_a_row=1), Verdict.CAP),
        # and slow is slow
        (HUNG, Verdict.SLOW),
    ],
)
def test_a_healthy_merchant_may_have_all_slots_while_it_is_alone(sight: Snapshot, verdict: Verdict) -> None:
    assert decide(sight, LIMITS, busy=99, slots_of_slow=0, alone=True) is verdict


@pytest.mark.parametrize(
    ("sight", "held", "verdict"),
    [
        (HUNG, 30, Verdict.SLOW),
        # one slot is left to a slow merchant, so that its healing is noticed
        (HUNG_BEFORE, 0, Verdict.ADMIT),
        (Snapshot(in_flight=1, failures_in_a_row=3), 1, Verdict.SLOW),
        # not even one when slow merchants together hold half the slots
        (HUNG_BEFORE, 49, Verdict.ADMIT),
        (HUNG_BEFORE, 50, Verdict.SLOW),
        # which is no business of a merchant that is not slow
        (BUSY_MERCHANT, 50, Verdict.ADMIT),
    ],
)
def test_a_slow_merchant_keeps_one_slot_while_others_like_it_hold_less_than_half(
    sight: Snapshot, held: int, verdict: Verdict
) -> None:
    assert decide(sight, LIMITS, busy=50, slots_of_slow=held) is verdict


@pytest.mark.parametrize(
    ("sight", "slow"),
    [
        (Snapshot(), False),
        (Snapshot(in_flight=80), False),
        # one stuck call, while others are answered, is not a slow merchant
        (Snapshot(in_flight=20, oldest=9.0, overdue=1, silence=0.2), False),
        (Snapshot(in_flight=20, oldest=9.0, overdue=4, silence=0.2), False),
        # nothing answered for as long: it hangs
        (Snapshot(in_flight=1, oldest=5.1, overdue=1), True),
        (Snapshot(in_flight=1, oldest=4.9), False),
        (Snapshot(in_flight=1, oldest=5.1, overdue=1, silence=5.1), True),
        # how long that is depends on what is usual for it: ten times as long, a fifth to half of the time-out
        (Snapshot(in_flight=9, oldest=2.1, silence=2.1, usual=0.07), True),
        (Snapshot(in_flight=9, oldest=1.9, silence=1.9, usual=0.07), False),
        (Snapshot(in_flight=9, oldest=2.1, silence=1.0, usual=0.07), False),
        (Snapshot(in_flight=9, oldest=2.1, silence=2.1, usual=0.3), False),
        (Snapshot(in_flight=9, oldest=3.1, silence=3.1, usual=0.3), True),
        (Snapshot(in_flight=9, oldest=4.9, silence=4.9, usual=3.0), False),
        (Snapshot(in_flight=9, oldest=5.1, overdue=1, silence=5.1, usual=3.0), True),
        # overdue calls hold one slot in twenty: it crawls, whatever it answers meanwhile
        (Snapshot(in_flight=20, oldest=9.0, overdue=5, silence=0.2), True),
        # its last calls timed out, and nothing says that this is over
        (Snapshot(failures_in_a_row=2), False),
        (Snapshot(failures_in_a_row=3), True),
        # silence alone is no fault: nobody asked it anything
        (Snapshot(silence=3_600), False),
    ],
)
def test_what_makes_a_merchant_slow(sight: Snapshot, slow: bool) -> None:
    assert is_slow(sight, LIMITS) is slow


@pytest.mark.parametrize(
    ("in_flight", "busy", "cap", "verdict"),
    [
        # above the ceiling up to its share, since others have room
        (59, 90, None, Verdict.ADMIT),
        # by a quarter more while one slot in twenty is free
        (74, 90, None, Verdict.ADMIT),
        (75, 90, None, Verdict.CAP),
        (60, 95, None, Verdict.CAP),
        (59, 95, None, Verdict.ADMIT),
        # but not one whose load has made it slow
        (40, 90, 30, Verdict.CAP),
    ],
)
def test_a_well_merchant_may_have_its_fair_share(in_flight: int, busy: int, cap: int | None, verdict: Verdict) -> None:
    snapshot = Snapshot(in_flight=in_flight, silence=0.1, usual=0.1, cap=cap)
    assert decide(snapshot, LIMITS, busy=busy, slots_of_slow=0, share=60.0) is verdict


@pytest.mark.parametrize(("slots", "cap"), [(200, 50), (100, 50), (50, 50), (20, 20), (1, 1)])
def test_the_tier_says_how_many_slots_a_merchant_may_hold_also_all_of_them(slots: int, cap: int) -> None:
    assert Limits(slots=slots, ceiling=50, call_timeout=10.0).cap == cap
