"""The bulkhead over time: a merchant hangs, is found out, heals; nobody is remembered for ever."""

from concurrent.futures import ThreadPoolExecutor

from merchantroute_worker.bulkhead.bulkhead import Bulkhead
from merchantroute_worker.bulkhead.rule import Limits, Verdict

LIMITS = Limits(slots=20, ceiling=10, call_timeout=10.0)


def holding(merchant: str, count: int, *, since: float = 0.0) -> Bulkhead:
    merchants = Bulkhead(LIMITS)
    for slot in range(count):
        merchants.take(merchant, (merchant, slot), since)
    return merchants


def test_a_hung_merchant_takes_three_quarters_at_most_and_others_have_the_rest() -> None:
    merchants = Bulkhead(LIMITS)
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
        merchants.leave("hung", ("hung", slot), 10.0)
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
        merchants.leave("hung", ("hung", slot), 10.0)
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


def test_an_idle_merchant_is_remembered_for_a_while() -> None:
    merchants = holding("bistro", 1)
    merchants.answered("bistro", 0.5, 0.5)
    merchants.leave("bistro", ("bistro", 0), 1.0)
    merchants.take("hung", "x", 0.0)
    merchants.timed_out("hung", 10.0)
    merchants.leave("hung", "x", 10.0)

    merchants.forget(600.0)
    assert [shown.merchant for shown in merchants.busiest(10, 600.0)] == ["hung", "bistro"]
    merchants.forget(605.0)
    assert [shown.merchant for shown in merchants.busiest(10, 605.0)] == ["hung"]
    merchants.forget(611.0)

    assert merchants.busiest(10, 611.0) == []
    assert merchants.busy == 0


def test_of_fifty_thousand_merchants_the_last_ten_thousand_are_remembered_and_failing_ones_first() -> None:
    merchants = holding("hung", 3)
    for slot in range(3):
        merchants.failed("hung")
        merchants.leave("hung", ("hung", slot), 0.0)
    for number in range(50_000):
        merchants.take(f"m-{number}", "slot", 1.0)
        merchants.answered(f"m-{number}", 1.0, 0.1)
        merchants.leave(f"m-{number}", "slot", 1.0)

    sums = merchants.sums(1.0)
    assert (sums.known, sums.slow) == (10_000, 1)
    assert [shown.merchant for shown in merchants.busiest(3, 1.0)] == ["hung", "m-49999", "m-49998"]


def test_a_merchant_that_cannot_be_reached_is_found_out_as_one_that_times_out() -> None:
    merchants = holding("gone", 3)
    merchants.failed("gone")
    merchants.timed_out("gone", 1.0)
    assert not merchants.is_slow("gone", 1.0)

    merchants.failed("gone")

    assert merchants.is_slow("gone", 1.0)


def test_slow_merchants_that_come_all_at_once_hold_half_the_slots() -> None:
    merchants = Bulkhead(LIMITS)
    names = [f"hung-{number}" for number in range(30)]
    for name in names:
        for slot in range(3):
            merchants.take(name, slot, 0.0)
            merchants.timed_out(name, 10.0)
            merchants.leave(name, slot, 10.0)

    taken = 0
    for name in names:
        if merchants.ask(name, 20.0) is Verdict.ADMIT:
            merchants.take(name, "probe", 20.0)
            taken += 1

    assert taken == 10
    merchants.leave("hung-0", "probe", 20.05)
    assert merchants.ask("hung-29", 20.05) is Verdict.ADMIT


def fill(merchants: Bulkhead, merchant: str, now: float) -> int:
    """Take what it gets; gives how many slots that are."""
    taken = 0
    while merchants.busy < LIMITS.slots and merchants.ask(merchant, now) is Verdict.ADMIT:
        merchants.take(merchant, (merchant, now, taken), now)
        taken += 1
    return taken


def test_a_healthy_merchant_has_all_slots_while_it_is_alone_and_others_get_the_next_that_frees() -> None:
    merchants = holding("bistro", 1)
    merchants.answered("bistro", 1.0, 0.9)
    assert fill(merchants, "bistro", 1.0) == 19

    merchants.leave("bistro", ("bistro", 0), 1.5)
    assert merchants.ask("cafe", 1.5) is Verdict.ADMIT
    merchants.take("cafe", "cup", 1.5)
    merchants.leave("bistro", ("bistro", 1.0, 0), 1.6)

    # Alone no more: what frees is left to others.
    assert merchants.ask("bistro", 1.6) is Verdict.CAP
    assert merchants.ask("diner", 1.6) is Verdict.ADMIT


def test_a_burst_after_a_quiet_hour_has_all_slots_too() -> None:
    merchants = holding("bistro", 1)
    merchants.answered("bistro", 1.0, 0.9)
    merchants.leave("bistro", ("bistro", 0), 1.0)

    assert fill(merchants, "bistro", 300.0) == 20


def test_who_fills_the_pod_for_long_makes_way_for_those_who_wait_unseen() -> None:
    merchants = holding("bistro", 1)
    merchants.answered("bistro", 1.0, 0.9)
    taken = fill(merchants, "bistro", 1.0)
    for slot in range(taken):
        merchants.call("bistro", ("bistro", 1.0, slot), 11.5)

    merchants.answered("bistro", 12.0, 0.9)
    merchants.leave("bistro", ("bistro", 0), 12.0)

    assert merchants.ask("bistro", 12.0) is Verdict.CAP


def test_what_people_see_of_a_merchant() -> None:
    merchants = holding("bistro", 2)
    merchants.answered("bistro", 0.5, 0.5)
    merchants.timed_out("bistro", 10.0)
    merchants.take("cafe", "x", 9.0)

    assert [shown.as_json() for shown in merchants.busiest(1, 10.0)] == [
        {
            "merchant": "bistro",
            "inFlight": 2,
            "cap": 5,
            "oldest": 10.0,
            "usual": 0.5,
            "successes": 1,
            "timeouts": 1,
            "failuresInARow": 1,
            "slow": True,
        }
    ]
    sums = merchants.sums(10.0)
    assert (sums.slow, sums.at_cap, sums.known) == (1, 0, 2)


def test_threads_may_use_it_all_at_once() -> None:
    merchants = Bulkhead(Limits(slots=64, ceiling=64, call_timeout=10.0))

    def work(mine: int) -> None:
        for number in range(500):
            merchant = f"m-{number % 7}"
            merchants.ask(merchant, 0.0)
            merchants.take(merchant, (mine, number), 0.0)
            merchants.answered(merchant, 0.0, 0.1)
            merchants.slow(0.0)
            merchants.busiest(5, 0.0)
            merchants.leave(merchant, (mine, number), 0.0)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))

    assert merchants.busy == 0
    assert sum(shown.successes for shown in merchants.busiest(10, 0.0)) == 8 * 500
