"""What a pod tells of its merchants, bounded: the slow ones, those without a slot, those with an own queue."""

import pytest

from merchantroute_worker.bulkhead.bulkhead import Bulkhead
from merchantroute_worker.bulkhead.rule import Verdict
from merchantroute_worker.bulkhead.views import MerchantFigures
from tests.unit.worker.bulkhead.test_bulkhead import LIMITS, holding


def test_orders_without_a_slot_and_attempts_are_counted_by_merchant() -> None:
    bulkhead = holding("bistro", 3, since=-100.0)
    for failed in (True, False, False):
        bulkhead.attempted("bistro", failed=failed)
    assert bulkhead.decide("bistro", 0.0) is Verdict.SLOW

    figures = bulkhead.figures(0.0, (), 200)

    (bistro,) = figures.merchants
    assert bistro == MerchantFigures("bistro", in_flight=3, slow=True, refused=1, succeeded=2, failed=1)
    assert bulkhead.figures(61.0, (), 0).merchants == ()


def test_a_merchant_refused_lately_is_told_for_a_minute_and_one_with_an_own_queue_as_long_as_it_has_that() -> None:
    bulkhead = holding("bistro", 15)
    assert bulkhead.decide("bistro", 1.0) is Verdict.ADMIT
    bulkhead.acquire("bistro", "last", 1.0)
    assert bulkhead.decide("bistro", 1.0) is Verdict.CAP
    bulkhead.answered("bistro", 1.5, 1.0)

    def names(now: float, *own: str) -> list[str]:
        return [one.merchant for one in bulkhead.figures(now, own, 200).merchants]

    assert names(2.0) == ["bistro"]
    assert names(2.0, "cafe") == ["bistro", "cafe"]
    for slot in range(15):
        bulkhead.release("bistro", ("bistro", slot), 2.0)
    bulkhead.release("bistro", "last", 2.0)
    assert (names(60.0), names(62.0), names(62.0, "bistro")) == (["bistro"], [], ["bistro"])


@pytest.mark.parametrize(("own", "told_own", "told_slow"), [(0, 0, 20), (4, 4, 16), (30, 10, 10)])
def test_of_more_merchants_than_are_told_half_may_be_those_with_own_queues(
    own: int, told_own: int, told_slow: int
) -> None:
    bulkhead = holding("hung0", 1, since=-100.0)
    for number in range(1, 40):
        bulkhead.acquire(f"hung{number}", "slot", -100.0)
    names = {f"own{number}" for number in range(own)}

    found = [one.merchant for one in bulkhead.figures(0.0, names, 20).merchants]

    assert len([name for name in found if name in names]) == told_own
    assert len([name for name in found if name not in names]) == told_slow


def test_orders_that_wait_for_their_merchant_s_time_or_rate_are_not_refused_for_a_slot() -> None:
    bulkhead = holding("bistro", 1)
    bulkhead.asked_to_wait("bistro", 1.0, began=0.0, seconds=5.0)
    assert bulkhead.decide("bistro", 2.0) is Verdict.PAUSED
    assert bulkhead.decide("bistro", 2.0, own_queue=True) is Verdict.PAUSED
    assert [bulkhead.decide("bistro", 6.0) for _ in range(2)] == [Verdict.ADMIT, Verdict.RATE_LIMIT]

    assert bulkhead.figures(6.0, (), 200).merchants == ()


def test_a_merchant_that_answered_429_is_told_for_a_minute_with_the_time_that_it_asked_for() -> None:
    bulkhead = holding("bistro", 2)
    bulkhead.asked_to_wait("bistro", 1.0, began=0.0, seconds=5.0)
    bulkhead.attempted("bistro", failed=True, limited_at=1.0)
    bulkhead.attempted("bistro", failed=False)

    (bistro,) = bulkhead.figures(2.0, (), 200).merchants
    assert bistro == MerchantFigures("bistro", in_flight=2, succeeded=1, failed=1, limited=1, paused_for=4.0)
    for slot in range(2):
        bulkhead.release("bistro", ("bistro", slot), 2.0)
    assert bulkhead.figures(62.0, (), 200).merchants == ()


def test_of_many_the_slow_ones_are_told_first_then_those_refused_most() -> None:
    bulkhead = Bulkhead(LIMITS)
    for number in range(10):
        bulkhead.acquire(f"slow-{number}", number, -100.0)
    for number in range(300):
        bulkhead.acquire(f"ok-{number}", number, 0.0)
        bulkhead.answered(f"ok-{number}", 0.0, 0.1)
    for _ in range(3):
        bulkhead._recent.refused("ok-7", bulkhead._known.get("ok-7"), 0.0)
    for number in range(290):
        bulkhead._recent.refused(f"ok-{number}", bulkhead._known.get(f"ok-{number}"), 0.0)

    merchants = bulkhead.figures(0.0, (), 200).merchants

    assert len(merchants) == 200
    assert {one.merchant for one in merchants[:10]} == {f"slow-{number}" for number in range(10)}
    assert (merchants[10].merchant, merchants[10].refused) == ("ok-7", 4)


def test_active_are_those_with_calls_within_a_minute() -> None:
    bulkhead = holding("bistro", 1)
    for name, until in (("gone", 10.0), ("late", 50.0), ("failing", 55.0)):
        bulkhead.acquire(name, name, 0.0)
        for _ in range(3 * (name == "failing")):
            bulkhead.failed(name)
        bulkhead.release(name, name, until)

    assert [len(bulkhead.figures(now, (), 0).active) for now in (60.0, 71.0, 120.0)] == [4, 3, 1]
    slow = {name: one.slow for name, one in bulkhead.figures(0.0, (), 0).active.items()}
    assert slow == {"bistro": False, "gone": False, "late": False, "failing": True}


def test_who_had_a_success_within_five_seconds_is_well() -> None:
    bulkhead = holding("bistro", 1)
    bulkhead.answered("bistro", 10.0, 1.0, step="submit")
    bulkhead.answered("bistro", 12.0, 1.0, step="confirm", success=False)

    assert [bulkhead.figures(now, (), 0).active["bistro"].well for now in (10.0, 15.0, 15.1)] == [True, True, False]


@pytest.mark.parametrize(("held", "share"), [({}, 15), ({"a": 5}, 10), ({"a": 4, "b": 4, "c": 4, "d": 4}, 4)])
def test_the_fair_share_is_what_one_more_merchant_could_have(held: dict[str, int], share: int) -> None:
    bulkhead = Bulkhead(LIMITS)
    for name, count in held.items():
        for slot in range(count):
            bulkhead.acquire(name, (name, slot), 0.0)
            bulkhead.answered(name, 0.0, 0.1)

    assert bulkhead.figures(0.0, (), 0).fair_share == share
