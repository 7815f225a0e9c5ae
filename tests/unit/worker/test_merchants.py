"""The bulkhead over time: a merchant hangs, is found out, heals; nobody is remembered for ever."""

from merchantroute_worker.bulkhead import Limits, Verdict
from merchantroute_worker.merchants import Merchants

LIMITS = Limits(slots=20, ceiling=10, call_timeout=10.0)


def holding(merchant: str, count: int, *, since: float = 0.0) -> Merchants:
    merchants = Merchants(LIMITS)
    for slot in range(count):
        merchants.take(merchant, (merchant, slot), since)
    return merchants


def test_a_hung_merchant_takes_three_quarters_at_most_and_others_have_the_rest() -> None:
    merchants = Merchants(LIMITS)
    taken = 0
    while merchants.ask("hung", 0.0) is Verdict.ADMIT:
        merchants.take("hung", ("hung", taken), 0.0)
        taken += 1

    assert taken == 16
    assert merchants.ask("other", 0.0) is Verdict.ADMIT


def test_it_is_found_out_at_half_the_call_time_out_and_keeps_one_slot_while_it_hangs() -> None:
    merchants = holding("hung", 8)

    assert merchants.ask("hung", 4.9) is Verdict.ADMIT
    assert merchants.ask("hung", 5.1) is Verdict.SLOW
    for slot in range(8):
        merchants.timed_out("hung", 10.0)
        merchants.leave("hung", ("hung", slot))
    assert merchants.ask("hung", 10.0) is Verdict.ADMIT
    merchants.take("hung", "probe", 10.0)
    assert merchants.ask("hung", 10.1) is Verdict.SLOW


def test_a_quick_merchant_is_found_out_sooner() -> None:
    merchants = holding("quick", 5)
    merchants.answered("quick", 0.1, 0.1)

    assert not merchants.is_slow("quick", 2.0)
    assert merchants.is_slow("quick", 2.2)


def test_one_answer_in_time_and_it_is_as_any_other() -> None:
    merchants = holding("hung", 3)
    for slot in range(3):
        merchants.timed_out("hung", 10.0)
        merchants.leave("hung", ("hung", slot))
    merchants.take("hung", "probe", 20.0)
    assert merchants.ask("hung", 20.5) is Verdict.SLOW

    merchants.answered("hung", 21.0, 1.0)

    assert merchants.ask("hung", 21.0) is Verdict.ADMIT
    assert not merchants.is_slow("hung", 21.0)


def test_the_age_of_a_call_counts_and_not_that_of_its_order() -> None:
    merchants = holding("bistro", 1)

    merchants.call("bistro", ("bistro", 0), 4.0)

    assert not merchants.is_slow("bistro", 8.9)
    assert merchants.is_slow("bistro", 9.1)


def test_slow_merchants_are_told_with_what_they_hold() -> None:
    merchants = holding("hung", 2)
    merchants.take("fine", "x", 6.0)

    (slow,) = merchants.slow(6.0)

    assert (slow.merchant, slow.in_flight, slow.oldest) == ("hung", 2, 6.0)


def test_a_merchant_without_calls_is_forgotten_and_one_that_timed_out_after_a_while() -> None:
    merchants = holding("bistro", 1)
    merchants.leave("bistro", ("bistro", 0))
    merchants.take("hung", "x", 0.0)
    merchants.timed_out("hung", 10.0)
    merchants.leave("hung", "x")

    merchants.forget(500.0)
    assert [entry["merchant"] for entry in merchants.busiest(10, 500.0)] == ["hung"]
    merchants.forget(611.0)

    assert merchants.busiest(10, 611.0) == []
    assert merchants.busy == 0
