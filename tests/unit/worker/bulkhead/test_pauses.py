"""A merchant that asks for time gets it, and its orders come back at a rate that it takes."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchantroute_worker.bulkhead.pauses import LONGEST, QUIET, Pause, Pauses, admit, asked


@dataclass
class LimitedMerchant:
    """Takes `rate` orders in any second, and answers the rest 429 with a Retry-After of so many seconds, or none."""

    rate: int
    retry_after: float | None
    took: list[float] = field(default_factory=list)
    refused: int = 0

    def takes(self, now: float) -> bool:
        """Whether it takes an order now."""
        self.took = [at for at in self.took if at > now - 1.0]
        if len(self.took) < self.rate:
            self.took.append(now)
            return True
        self.refused += 1
        return False


def worked_off(merchant: LimitedMerchant, orders: int, *, latency: float = 0.02, every: float = 0.02) -> float:
    """Offer an order every so many seconds until all are taken; gives the seconds that it took."""
    pauses, now, done = Pauses(), 0.0, 0
    under_way: list[float] = []
    while done < orders:
        now += every
        for began in [each for each in under_way if each + latency <= now]:
            under_way.remove(began)
            if merchant.takes(now):
                done += 1
            else:
                pauses.asked("m", began=began, now=now, seconds=merchant.retry_after)
        if pauses.admits("m", now):
            under_way.append(now)
        assert now < 1e6, "it is never done"
    return now


@pytest.mark.parametrize(("rate", "retry_after"), [(5, 60.0), (5, 1.0), (30, 10.0), (1, 5.0), (5, None)])
def test_a_limited_merchant_gets_most_of_what_it_takes_and_is_seldom_asked_for_more(
    rate: int, retry_after: float | None
) -> None:
    orders = 3_000 if rate == 5 else 500 * rate
    merchant = LimitedMerchant(rate, retry_after)

    seconds = worked_off(merchant, orders)

    assert orders / seconds > 0.5 * rate, "half of what it takes, with its pauses"
    assert merchant.refused < orders / 10


def test_a_pause_holds_for_every_order_until_it_ends_and_then_a_few_begin() -> None:
    pauses = Pauses()
    pauses.asked("m", began=0.0, now=1.0, seconds=30.0)

    assert not any(pauses.admits("m", 1.0 + tenth / 10) for tenth in range(300))
    assert pauses.left("m", 11.0) == 20.0
    assert pauses.holding_back(11.0) == [("m", 20.0)]
    assert pauses.admits("other", 11.0)
    released = [pauses.admits("m", 31.0) for _ in range(100)]
    assert released.count(True) == 1
    in_the_next_second = [pauses.admits("m", 31.0 + tenth / 100) for tenth in range(100)]
    assert 1 <= in_the_next_second.count(True) <= 3


def test_calls_that_were_in_flight_are_no_reason_to_go_slower() -> None:
    pause = asked(None, began=0.0, now=1.0, seconds=30.0)
    for _ in range(20):
        pause = asked(pause, began=0.9, now=1.1, seconds=30.0)

    assert (pause.rate, pause.slow_start, pause.until) == (1.0, True, 31.1)
    again = asked(pause, began=31.2, now=31.3, seconds=30.0)
    assert (again.rate, again.slow_start, again.until) == (0.5, False, 61.3)


def test_without_a_time_each_pause_is_twice_as_long_as_the_one_before_up_to_a_minute() -> None:
    pause, lengths = None, []
    now = 0.0
    for _ in range(8):
        pause = asked(pause, began=now, now=now, seconds=None)
        lengths.append(pause.length)
        now = pause.until

    assert lengths == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert asked(pause, began=now + 601, now=now + 601, seconds=0.0).length == 1.0


def test_a_limit_that_refuses_nobody_for_long_is_forgotten() -> None:
    pauses = Pauses()
    pauses.asked("m", began=0.0, now=0.0, seconds=1.0)
    assert [pauses.admits("m", 1.0) for _ in range(50)].count(True) == 1

    later = 1.0 + QUIET + 1.0
    assert [pauses.admits("m", later) for _ in range(50)].count(True) == 50
    assert not pauses


def test_of_too_many_merchants_the_first_is_forgotten() -> None:
    pauses = Pauses(most=3)
    for number in range(5):
        pauses.asked(f"m-{number}", began=0.0, now=0.0, seconds=9.0)

    assert [name for name, _ in pauses.holding_back(0.0)] == ["m-2", "m-3", "m-4"]
    pauses.asked("m-5", began=900.0, now=900.0, seconds=9.0)
    assert [name for name, _ in pauses.holding_back(900.0)] == ["m-5"], "those that are over go first"


def test_a_merchant_is_shown_while_its_orders_wait_and_for_a_minute_afterwards() -> None:
    pauses = Pauses()
    pauses.asked("m", began=0.0, now=0.0, seconds=30.0)
    assert pauses.holding_back(20.0) == [("m", 10.0)]
    assert [pauses.admits("m", 50.0) for _ in range(2)] == [True, False]
    assert pauses.holding_back(50.0 + QUIET - 1) == [("m", 0.0)]
    assert pauses.holding_back(50.0 + QUIET + 1) == []


SECONDS = st.floats(0, 1e5)


@given(
    events=st.lists(st.tuples(st.booleans(), st.floats(0, 100), st.none() | st.floats(0, 1e9)), max_size=60),
)
def test_no_order_begins_within_a_pause_and_no_pause_is_longer_than_an_hour(
    events: list[tuple[bool, float, float | None]],
) -> None:
    pause: Pause | None = None
    now = 0.0
    for is_order, passed, seconds in events:
        now += passed
        if not is_order:
            before = pause
            pause = asked(pause, began=now, now=now, seconds=seconds)
            assert 0 < pause.until - now <= LONGEST + 1e-6
            assert before is None or pause.until >= before.until or before.until <= now
            assert pause.rate > 0
        elif pause is not None:
            began, pause = admit(pause, now)
            assert not (began and now < pause.until)
            assert (pause.left(now) > 0) or not began or pause.rate > 4


@given(rate=st.floats(0.1, 1e4), length=st.floats(1, LONGEST), offered=st.integers(1, 400))
def test_however_many_orders_come_at_once_no_more_begin_than_the_rate_allows(
    rate: float, length: float, offered: int
) -> None:
    pause = Pause(until=0.0, length=length, rate=rate, slow_start=False, limits=False)
    begun = 0
    for _ in range(offered):
        admitted, pause = admit(pause, 0.0)
        begun += admitted

    assert begun <= 2 + 0.2 * pause.rate
