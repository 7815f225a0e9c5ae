"""Merchants and arrivals of a cell: the same for all that are compared."""

import pytest

from benchmarks.isolation_compared.isolation_plan import CellTimes
from benchmarks.isolation_compared.population import (
    MERCHANTS,
    SLOTS,
    arrivals,
    in_trouble,
    merchants,
    slots_by_weight,
    weights,
)
from benchmarks.isolation_compared.trouble import FAULTS, FLOOD, FLOOD_SECONDS, ORDER_SECONDS, VENDOR

TIMES = CellTimes()


@pytest.mark.parametrize("load", [50, 90])
def test_orders_need_the_load_of_all_slots(load: int) -> None:
    found = arrivals(load, TIMES, FAULTS["none"])

    assert len(found) * ORDER_SECONDS / TIMES.published / SLOTS * 100 == pytest.approx(load, rel=0.05)


def test_a_fault_changes_no_arrival() -> None:
    assert arrivals(50, TIMES, FAULTS["hang-5"]) == arrivals(50, TIMES, FAULTS["none"])


def test_a_flood_comes_between_the_others_orders_as_the_fault_begins() -> None:
    calm, flooded = arrivals(50, TIMES, FAULTS["none"]), arrivals(50, TIMES, FAULTS["flood"])

    assert len(flooded) == len(calm) + FLOOD
    soon = [each for each in flooded if TIMES.before <= each.at < TIMES.before + FLOOD_SECONDS]
    assert sum(each.merchant == "merchant-9" for each in soon) >= FLOOD
    assert soon == sorted(soon, key=lambda each: each.at)
    assert {each for each in calm if each in soon}


def test_the_vendors_merchants_take_over_orders_at_the_same_times() -> None:
    calm, shared = arrivals(50, TIMES, FAULTS["none"]), arrivals(50, TIMES, FAULTS["vendor"])
    taken = sum(each.merchant.startswith("vendor-") for each in shared)

    assert [each.at for each in shared] == [each.at for each in calm]
    assert taken / len(shared) == pytest.approx(1 / 7, rel=0.2)


def test_who_is_in_trouble_has_orders() -> None:
    for trouble in FAULTS.values():
        assert in_trouble(trouble) <= set(merchants(trouble))
        assert len(merchants(trouble)) == MERCHANTS + trouble.vendor
    assert FAULTS["vendor"].vendor == VENDOR


def test_the_weights_are_zipfs() -> None:
    found = weights()

    assert sum(found) == pytest.approx(1)
    assert found[0] == pytest.approx(2 * found[1]) == pytest.approx(3 * found[2])


def test_slots_of_merchants_that_share_none_are_as_many_as_all_others_have() -> None:
    given = slots_by_weight()

    assert sum(given) == SLOTS
    assert min(given) == 1
    assert given == sorted(given, reverse=True)
