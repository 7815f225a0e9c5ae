"""The bulkhead over time: a merchant hangs, is detected, recovers; no state is kept for ever."""

from concurrent.futures import ThreadPoolExecutor

from merchantroute_worker.bulkhead.bulkhead import Bulkhead
from merchantroute_worker.bulkhead.rule import Limits, Verdict
from merchantroute_worker.bulkhead.views import Failure

LIMITS = Limits(slots=20, ceiling=10, call_timeout=10.0)


def holding(merchant: str, count: int, *, since: float = 0.0) -> Bulkhead:
    bulkhead = Bulkhead(LIMITS)
    for slot in range(count):
        bulkhead.acquire(merchant, (merchant, slot), since)
    return bulkhead


def test_a_hung_merchant_takes_three_quarters_at_most_and_others_have_the_rest() -> None:
    bulkhead = Bulkhead(LIMITS)
    taken = 0
    while bulkhead.decide("hung", 0.0) is Verdict.ADMIT:
        bulkhead.acquire("hung", ("hung", taken), 0.0)
        taken += 1

    assert taken == 16
    assert bulkhead.decide("other", 0.0) is Verdict.ADMIT


def test_it_is_found_out_at_half_the_call_time_out_and_keeps_one_slot_while_it_hangs() -> None:
    bulkhead = holding("hung", 8)

    assert bulkhead.decide("hung", 4.9) is Verdict.ADMIT
    assert bulkhead.decide("hung", 5.1) is Verdict.SLOW
    for slot in range(8):
        bulkhead.timed_out("hung", 10.0)
        bulkhead.release("hung", ("hung", slot), 10.0)
    assert bulkhead.decide("hung", 10.0) is Verdict.ADMIT
    bulkhead.acquire("hung", "probe", 10.0)
    assert bulkhead.decide("hung", 10.1) is Verdict.SLOW


def test_a_quick_merchant_is_found_out_sooner() -> None:
    bulkhead = holding("quick", 5)
    bulkhead.answered("quick", 0.1, 0.1)

    assert not bulkhead.is_slow("quick", 2.0)
    assert bulkhead.is_slow("quick", 2.2)


def test_one_answer_in_time_and_it_is_as_any_other() -> None:
    bulkhead = holding("hung", 3)
    for slot in range(3):
        bulkhead.timed_out("hung", 10.0)
        bulkhead.release("hung", ("hung", slot), 10.0)
    bulkhead.acquire("hung", "probe", 20.0)
    assert bulkhead.decide("hung", 20.5) is Verdict.SLOW

    bulkhead.answered("hung", 21.0, 1.0)

    assert bulkhead.decide("hung", 21.0) is Verdict.ADMIT
    assert not bulkhead.is_slow("hung", 21.0)


def test_the_age_of_a_call_counts_and_not_that_of_its_order() -> None:
    bulkhead = holding("bistro", 1)

    bulkhead.begin_call("bistro", ("bistro", 0), 4.0)

    assert not bulkhead.is_slow("bistro", 8.9)
    assert bulkhead.is_slow("bistro", 9.1)


def test_slow_merchants_are_told_with_what_they_hold() -> None:
    bulkhead = holding("hung", 2)
    bulkhead.acquire("fine", "x", 6.0)

    (slow,) = bulkhead.slow(6.0)

    assert (slow.merchant, slow.in_flight, slow.oldest) == ("hung", 2, 6.0)


def test_an_idle_merchant_is_remembered_for_a_while() -> None:
    bulkhead = holding("bistro", 1)
    bulkhead.answered("bistro", 0.5, 0.5)
    bulkhead.release("bistro", ("bistro", 0), 1.0)
    bulkhead.acquire("hung", "x", 0.0)
    bulkhead.timed_out("hung", 10.0)
    bulkhead.release("hung", "x", 10.0)

    bulkhead.forget(600.0)
    assert [shown.merchant for shown in bulkhead.busiest(10, 600.0)] == ["hung", "bistro"]
    bulkhead.forget(605.0)
    assert [shown.merchant for shown in bulkhead.busiest(10, 605.0)] == ["hung"]
    bulkhead.forget(611.0)

    assert bulkhead.busiest(10, 611.0) == []
    assert bulkhead.busy == 0


def test_of_fifty_thousand_merchants_the_last_ten_thousand_are_remembered_and_failing_ones_first() -> None:
    bulkhead = holding("hung", 3)
    for slot in range(3):
        bulkhead.failed("hung")
        bulkhead.release("hung", ("hung", slot), 0.0)
    for number in range(50_000):
        bulkhead.acquire(f"m-{number}", "slot", 1.0)
        bulkhead.answered(f"m-{number}", 1.0, 0.1)
        bulkhead.release(f"m-{number}", "slot", 1.0)

    sums = bulkhead.sums(1.0)
    assert (sums.known, sums.slow) == (10_000, 1)
    assert [shown.merchant for shown in bulkhead.busiest(3, 1.0)] == ["hung", "m-49999", "m-49998"]


def test_a_merchant_that_cannot_be_reached_is_found_out_as_one_that_times_out() -> None:
    bulkhead = holding("gone", 3)
    bulkhead.failed("gone")
    bulkhead.timed_out("gone", 1.0)
    assert not bulkhead.is_slow("gone", 1.0)

    bulkhead.failed("gone")

    assert bulkhead.is_slow("gone", 1.0)


def test_slow_merchants_that_come_all_at_once_hold_half_the_slots() -> None:
    bulkhead = Bulkhead(LIMITS)
    names = [f"hung-{number}" for number in range(30)]
    for name in names:
        for slot in range(3):
            bulkhead.acquire(name, slot, 0.0)
            bulkhead.timed_out(name, 10.0)
            bulkhead.release(name, slot, 10.0)

    taken = 0
    for name in names:
        if bulkhead.decide(name, 20.0) is Verdict.ADMIT:
            bulkhead.acquire(name, "probe", 20.0)
            taken += 1

    assert taken == 10
    bulkhead.release("hung-0", "probe", 20.05)
    assert bulkhead.decide("hung-29", 20.05) is Verdict.ADMIT


def fill(bulkhead: Bulkhead, merchant: str, now: float) -> int:
    """Take what it gets; gives how many slots that are."""
    taken = 0
    while bulkhead.busy < LIMITS.slots and bulkhead.decide(merchant, now) is Verdict.ADMIT:
        bulkhead.acquire(merchant, (merchant, now, taken), now)
        taken += 1
    return taken


def test_a_healthy_merchant_has_all_slots_while_it_is_alone_and_others_get_the_next_that_frees() -> None:
    bulkhead = holding("bistro", 1)
    bulkhead.answered("bistro", 1.0, 0.9)
    assert fill(bulkhead, "bistro", 1.0) == 19

    bulkhead.release("bistro", ("bistro", 0), 1.5)
    assert bulkhead.decide("cafe", 1.5) is Verdict.ADMIT
    bulkhead.acquire("cafe", "cup", 1.5)
    bulkhead.release("bistro", ("bistro", 1.0, 0), 1.6)

    # Alone no more: what frees is left to others.
    assert bulkhead.decide("bistro", 1.6) is Verdict.CAP
    assert bulkhead.decide("diner", 1.6) is Verdict.ADMIT


def test_a_burst_after_a_quiet_hour_has_all_slots_too() -> None:
    bulkhead = holding("bistro", 1)
    bulkhead.answered("bistro", 1.0, 0.9)
    bulkhead.release("bistro", ("bistro", 0), 1.0)

    assert fill(bulkhead, "bistro", 300.0) == 20


def test_who_fills_the_pod_for_long_makes_way_for_those_who_wait_unseen() -> None:
    bulkhead = holding("bistro", 1)
    bulkhead.answered("bistro", 1.0, 0.9)
    taken = fill(bulkhead, "bistro", 1.0)
    for slot in range(taken):
        bulkhead.begin_call("bistro", ("bistro", 1.0, slot), 11.5)

    bulkhead.answered("bistro", 12.0, 0.9)
    bulkhead.release("bistro", ("bistro", 0), 12.0)

    assert bulkhead.decide("bistro", 12.0) is Verdict.CAP


def test_what_people_see_of_a_merchant() -> None:
    bulkhead = holding("bistro", 2)
    bulkhead.answered("bistro", 0.5, 0.5)
    bulkhead.timed_out("bistro", 10.0)
    for _ in range(2):
        bulkhead.server_error("bistro", 0.5, step="submit", order=None)
    bulkhead.asked_to_wait("bistro", 0.5, began=0.0, seconds=39.5)
    bulkhead.note_failure("bistro", Failure(step="submit", text="no whole answer within 5 s", at=7.5))
    bulkhead.acquire("cafe", "x", 9.0)

    assert [shown.as_json() for shown in bulkhead.busiest(1, 10.0)] == [
        {
            "merchant": "bistro",
            "inFlight": 2,
            "cap": 5,
            "oldest": 10.0,
            "usual": 0.5,
            "successes": 1,
            "timeouts": 1,
            "failuresInARow": 1,
            "serverErrorsInARow": 2,
            "slow": True,
            "pausedFor": 30.0,
            "credentialsRefused": False,
            "refused": 0,
            "lastFailure": {"step": "submit", "answerText": "no whole answer within 5 s", "secondsAgo": 2.5},
        }
    ]
    assert [shown.as_json()["lastFailure"] for shown in bulkhead.busiest(2, 10.0)][1] is None
    sums = bulkhead.sums(10.0)
    assert (sums.slow, sums.at_cap, sums.known) == (1, 0, 2)


def test_threads_may_use_it_all_at_once() -> None:
    bulkhead = Bulkhead(Limits(slots=64, ceiling=64, call_timeout=10.0))

    def work(mine: int) -> None:
        for number in range(500):
            merchant = f"m-{number % 7}"
            bulkhead.decide(merchant, 0.0)
            bulkhead.acquire(merchant, (mine, number), 0.0)
            bulkhead.answered(merchant, 0.0, 0.1)
            bulkhead.slow(0.0)
            bulkhead.busiest(5, 0.0)
            bulkhead.release(merchant, (mine, number), 0.0)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))

    assert bulkhead.busy == 0
    assert sum(shown.successes for shown in bulkhead.busiest(10, 0.0)) == 8 * 500


def test_a_long_task_is_judged_by_its_own_time_out_and_a_call_by_the_pod_s() -> None:
    bulkhead = Bulkhead(LIMITS)
    for slot in range(4):
        bulkhead.acquire("task", slot, 0.0, timeout=30.0)
        bulkhead.acquire("call", slot, 0.0)

    assert not bulkhead.is_slow("task", 14.9)
    assert bulkhead.is_slow("task", 15.1)
    assert bulkhead.is_slow("call", 5.1)


def test_of_calls_with_different_time_outs_the_one_that_used_most_of_it_counts() -> None:
    bulkhead = Bulkhead(LIMITS)
    bulkhead.acquire("bistro", "long", 0.0, timeout=300.0)
    bulkhead.acquire("bistro", "short", 4.0, timeout=2.0)

    assert not bulkhead.is_slow("bistro", 4.9)
    assert bulkhead.is_slow("bistro", 5.1)


def test_a_call_that_usually_takes_most_of_its_time_out_is_not_overdue() -> None:
    bulkhead = Bulkhead(LIMITS)
    for slot in range(8):
        bulkhead.acquire("bistro", slot, 0.0)
    bulkhead.answered("bistro", 8.0, 8.0)

    assert not bulkhead.is_slow("bistro", 9.9)


def test_how_long_a_call_may_hang_depends_on_what_is_usual_of_its_step() -> None:
    bulkhead = holding("bistro", 1)
    bulkhead.begin_call("bistro", ("bistro", 0), 0.0, step="look")
    for _ in range(100):
        bulkhead.answered("bistro", 0.1, 0.05, step="look")
    bulkhead.answered("bistro", 0.2, 0.45, step="submit")

    bulkhead.begin_call("bistro", ("bistro", 0), 1.0, step="submit")
    assert not bulkhead.is_slow("bistro", 5.4)
    assert bulkhead.is_slow("bistro", 5.6)
    bulkhead.begin_call("bistro", ("bistro", 0), 6.0, step="look")
    assert bulkhead.is_slow("bistro", 8.1)


def test_answers_that_are_no_success_change_neither_cap_nor_baseline() -> None:
    bulkhead = holding("bistro", 10)
    for number in range(1_000):
        success = number % 3 > 0
        bulkhead.answered("bistro", 1.0 + number, 0.3 if success else 0.005, success=success)

    (shown,) = bulkhead.busiest(1, 1_001.0)
    assert (shown.cap, shown.usual) == (10, 0.3)


def test_steps_without_end_are_not_all_remembered() -> None:
    bulkhead = holding("bistro", 1)
    for number in range(1_000):
        bulkhead.answered("bistro", 1.0, float(number + 1), step=f"step-{number}")

    bulkhead.answered("bistro", 1.0, 7.0, step="step-999")
    (shown,) = bulkhead.busiest(1, 1.0)
    assert (shown.successes, shown.usual) == (1_001, 999.0)


def test_healthy_merchants_exceed_the_ceiling_while_the_others_keep_their_slots() -> None:
    bulkhead = Bulkhead(Limits(slots=200, ceiling=50, call_timeout=10.0))
    for merchant in ("bistro", "cafe", "diner"):
        for slot in range(60):
            bulkhead.acquire(merchant, slot, 0.0)
        bulkhead.answered(merchant, 0.5, 0.5)

    assert bulkhead.decide("cafe", 0.6) is Verdict.ADMIT
    admitted = 0
    while bulkhead.busy < 200 and bulkhead.decide("bistro", 0.6) is Verdict.ADMIT:
        bulkhead.acquire("bistro", ("more", admitted), 0.6)
        admitted += 1

    # A third of 200 is 67, and a quarter more while more than one slot in twenty is free.
    assert admitted == 10
    assert bulkhead.decide("cafe", 0.6) is Verdict.ADMIT


def test_one_that_is_not_known_to_be_well_keeps_to_the_ceiling() -> None:
    bulkhead = Bulkhead(Limits(slots=200, ceiling=50, call_timeout=10.0))
    for merchant in ("bistro", "cafe", "diner"):
        for slot in range(55):
            bulkhead.acquire(merchant, slot, 0.0)

    assert bulkhead.decide("cafe", 0.6) is Verdict.CAP
    assert bulkhead.decide("bistro", 0.6) is Verdict.CAP


def test_what_a_slow_merchant_does_not_get_is_shared_by_the_others() -> None:
    bulkhead = Bulkhead(Limits(slots=200, ceiling=50, call_timeout=10.0))
    bulkhead.acquire("hung", "probe", 0.0)
    for _ in range(3):
        bulkhead.timed_out("hung", 0.1)
    for merchant in ("bistro", "cafe"):
        for slot in range(90):
            bulkhead.acquire(merchant, slot, 0.2)
        bulkhead.answered(merchant, 0.5, 0.3)

    assert bulkhead.decide("cafe", 0.6) is Verdict.ADMIT
    assert bulkhead.decide("bistro", 0.6) is Verdict.ADMIT
