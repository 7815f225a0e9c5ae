"""The rate that a merchant bears which answers 429: where it begins, how it is cut and grows, when it is forgotten."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merchantroute_operator.isolation.rates import found_rate, limiting
from merchantroute_operator.isolation.rates.found_rate import FoundRate, Moment, told_rate
from merchantroute_operator.isolation.rates.limiting import NOT_LIMITING, Limiting

TICK = 2.0
EPOCH = 1_700_000_000.0


@dataclass
class Merchant:
    """A merchant that takes so many orders per second, whose orders always wait, at the rate that is found for it."""

    takes: float
    limiting: Limiting = NOT_LIMITING
    now: float = 1_000.0
    tokens: float = 0.0
    sent: float = 0.0
    done: int = 0
    limited: int = 0
    rates: list[float] = field(default_factory=list)

    def tick(self, rate: float | None = None, asks_for: float = 0.0, *, used_up: bool = True) -> float:
        """Send orders for a tick, take in what became of them, and give the rate that was found."""
        self.now += TICK
        known = self.limiting.rate
        self.sent += TICK * (rate or (known.rate if known else 0.0))
        sent, self.sent = int(self.sent), self.sent % 1
        self.tokens += TICK * self.takes
        succeeded = min(sent, int(self.tokens))
        self.tokens = min(max(1.0, self.takes), self.tokens - succeeded)
        self.done, self.limited = self.done + succeeded, self.limited + sent - succeeded
        self.hear(succeeded, sent - succeeded, asks_for if sent > succeeded else 0.0)
        self.limiting = limiting.adjusted(self.limiting, self.moment, used_up=used_up)
        self.rates.append(self.limiting.rate.rate if self.limiting.rate else 0.0)
        return self.rates[-1]

    @property
    def moment(self) -> Moment:
        """The tick that is now."""
        return Moment(self.now, EPOCH + self.now, since=TICK)

    def hear(self, succeeded: int, limited: int, asks_for: float = 0.0) -> None:
        """Take in so many answers, with a time that was asked for."""
        until = self.now + asks_for if asks_for else 0.0
        self.limiting = limiting.heard(
            self.limiting, self.moment, succeeded=succeeded, limited=limited, asks_until=until
        )

    def begin(self) -> float:
        """Limit the rate, and give it."""
        self.limiting = limiting.begun(self.limiting, self.now)
        assert self.limiting.rate is not None
        return self.limiting.rate.rate


def limited(takes: float, sends: float, seconds: float = 10.0) -> Merchant:
    """A merchant that was sent more than it takes, and has a rate since."""
    merchant = Merchant(takes)
    for _ in range(int(seconds / TICK)):
        merchant.tick(sends)
    merchant.begin()
    return merchant


def test_one_429_is_not_enough_and_neither_is_one_moment_s() -> None:
    merchant = Merchant(5.0)
    merchant.hear(0, 20)
    assert not merchant.limiting.again
    merchant.now += TICK
    merchant.hear(0, 3)

    assert not merchant.limiting.again
    assert limiting.begun(merchant.limiting, merchant.now).rate is None


def test_429_again_some_seconds_later_is_and_within_a_minute_after_the_pause_that_was_asked_for() -> None:
    soon, later, too_late = Merchant(5.0), Merchant(5.0), Merchant(5.0)
    for merchant in (soon, later, too_late):
        merchant.hear(3, 1, asks_for=100.0)
    for merchant, seconds in ((soon, 4.0), (later, 158.0), (too_late, 162.0)):
        merchant.now += seconds
        merchant.hear(3, 1)

    assert [merchant.limiting.again for merchant in (soon, later, too_late)] == [True, True, False]
    assert soon.limiting.words == "2 orders answered 429 lately"


def test_it_begins_at_what_the_merchant_was_seen_to_do() -> None:
    assert Merchant(5.0).limiting is NOT_LIMITING
    assert limited(5.0, 20.0).begin() == pytest.approx(5.0, abs=0.5)
    assert limited(50.0, 90.0).begin() == pytest.approx(50.0, abs=5.0)


def test_it_begins_at_one_a_second_where_nothing_was_seen_to_succeed() -> None:
    assert limited(0.0, 20.0).begin() == found_rate.FIRST


@pytest.mark.parametrize(("takes", "least"), [(0.2, 0.75), (1.0, 0.88), (5.0, 0.9), (40.0, 0.9), (300.0, 0.9)])
def test_it_stays_near_what_the_merchant_takes_and_few_orders_are_answered_429(takes: float, least: float) -> None:
    merchant = limited(takes, 3 * takes, 30.0)
    for _ in range(100):
        merchant.tick()
    before = merchant.done, merchant.limited
    seconds = max(600.0, 300 / takes)
    for _ in range(int(seconds / TICK)):
        merchant.tick()

    done, refused = merchant.done - before[0], merchant.limited - before[1]
    assert done / seconds > least * takes
    assert refused / (done + refused) < 0.05


def test_it_finds_a_limit_that_was_lifted_and_one_that_was_lowered() -> None:
    merchant = limited(5.0, 20.0)
    for _ in range(60):
        merchant.tick()
    merchant.takes = 50.0
    for _ in range(150):
        merchant.tick()
    assert max(merchant.rates[-60:]) > 45.0

    merchant.takes = 2.0
    for _ in range(60):
        merchant.tick()
    assert merchant.rates[-1] < 2.5


def test_what_began_before_a_cut_says_nothing_of_the_rate_since_then() -> None:
    merchant = limited(5.0, 20.0)
    merchant.now += found_rate.REACTION
    merchant.hear(10, 10)
    cut = limiting.adjusted(merchant.limiting, merchant.moment, used_up=True)
    merchant.limiting, merchant.now = cut, merchant.now + TICK
    merchant.hear(0, 50)
    again = limiting.adjusted(merchant.limiting, merchant.moment, used_up=True)

    assert cut.rate is not None
    assert again.rate is not None
    assert again.rate.rate == cut.rate.rate


def test_a_429_among_hundreds_of_successes_cuts_nothing() -> None:
    merchant = limited(50.0, 100.0)
    merchant.now += found_rate.COUNTED + TICK
    before = merchant.begin()
    merchant.hear(400, 3)

    found = limiting.adjusted(merchant.limiting, merchant.moment, used_up=True).rate
    assert found is not None
    assert found.rate == before


def test_a_rate_that_is_not_used_up_does_not_grow_and_is_forgotten_after_a_minute() -> None:
    merchant = limited(50.0, 100.0)
    merchant.takes = 1_000.0
    for _ in range(4):
        merchant.tick()
    before = merchant.rates[-1]
    for _ in range(int(found_rate.FORGOTTEN_AFTER / TICK) - 1):
        assert merchant.tick(1.0, used_up=False) == before

    for _ in range(3):
        merchant.tick(1.0, used_up=False)
    assert merchant.limiting.rate is None


def test_where_nothing_succeeds_it_falls_to_the_lowest_and_is_back_soon_after_the_first_success() -> None:
    merchant = limited(0.0, 20.0)
    for _ in range(1_000):
        merchant.tick()
    assert merchant.rates[-1] == found_rate.LOWEST

    merchant.takes = merchant.tokens = 20.0
    for _ in range(120):
        merchant.tick()
    assert merchant.rates[-1] > 5.0


def test_a_pause_lasts_until_the_latest_time_that_was_asked_for_and_nothing_grows_meanwhile() -> None:
    merchant = limited(5.0, 20.0)
    merchant.now += found_rate.REACTION
    merchant.hear(1, 1, asks_for=30.0)
    merchant.now += TICK
    merchant.hear(0, 1, asks_for=40.0)
    until = EPOCH + merchant.now + 40.0
    assert merchant.limiting.paused_until == pytest.approx(until, abs=0.1)
    merchant.hear(0, 1, asks_for=5.0)
    assert merchant.limiting.paused_until == pytest.approx(until, abs=0.1)

    before = merchant.begin()
    for _ in range(19):
        merchant.now += TICK
        merchant.hear(10, 0)  # those that were in flight
        merchant.limiting = limiting.adjusted(merchant.limiting, merchant.moment, used_up=True)
    assert merchant.begin() == before


@pytest.mark.parametrize(("set_back", "longest"), [(86_400.0, 60.0), (0.0, 20.0)])
def test_a_pause_ends_also_where_the_clock_was_set_back_or_the_longest_one_is_shorter_now(
    set_back: float, longest: float
) -> None:
    merchant = Merchant(5.0)
    merchant.limiting = limiting.heard(
        merchant.limiting, merchant.moment, succeeded=0, limited=1, asks_until=merchant.now + 60.0
    )
    merchant.now += TICK
    moment = replace(merchant.moment, wall=merchant.moment.wall - set_back, longest_pause=longest)

    merchant.limiting = limiting.heard(merchant.limiting, moment, succeeded=0, limited=0, asks_until=0.0)

    assert moment.wall < merchant.limiting.paused_until <= moment.wall + longest + 0.1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10), st.floats(0, 1e12), st.integers(0, 10**6)), max_size=60))
def test_no_pause_is_longer_than_the_longest_that_is_believed_whatever_pods_say(
    history: list[tuple[int, float, int]],
) -> None:
    merchant, longest = Merchant(5.0), 600.0
    began: float | None = None
    for ticks, asks_for, count in history:
        merchant.now += ticks * TICK
        moment = replace(merchant.moment, longest_pause=longest)
        wall = moment.wall
        if began is not None and merchant.limiting.paused_until <= wall:
            began = None
        merchant.limiting = limiting.heard(
            merchant.limiting, moment, succeeded=0, limited=count, asks_until=merchant.now + asks_for
        )
        if merchant.limiting.paused_until > wall:
            began = wall if began is None else began
            assert merchant.limiting.paused_until <= began + longest + 0.1


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.booleans(), st.floats(0, 4_000)), max_size=80)
)
def test_whatever_is_heard_the_rate_is_one_that_pods_can_take(history: list[tuple[int, int, bool, float]]) -> None:
    merchant = Merchant(5.0)
    told: float | None = None
    for succeeded, refused, used_up, asks_for in history:
        merchant.now += TICK
        merchant.hear(succeeded, refused, asks_for)
        before = merchant.limiting.rate
        merchant.limiting = limiting.adjusted(merchant.limiting, merchant.moment, used_up=used_up)
        after = merchant.limiting.rate
        if before is not None and after is not None and refused:
            assert after.rate <= before.rate
        merchant.limiting = limiting.begun(merchant.limiting, merchant.now)
        found = merchant.limiting.rate
        told = told_rate(found, told)
        assert (told is None) == (found is None)
        if told is not None and found is not None:
            assert told >= 0.99 * found_rate.LOWEST
            assert told <= 1.01 * found.rate
        assert len(merchant.limiting.answers) <= found_rate.COUNTED_ORDERS / found_rate.LOWEST / TICK + 1


def test_pods_are_told_a_cut_at_once_and_growth_once_it_is_worth_it() -> None:
    def told(rate: float, before: float | None) -> float | None:
        found = FoundRate(rate, 0.0, 0.0, starts=True)
        return told_rate(found, before)

    assert told(5.0, None) == 5.0
    assert told(5.1, 5.0) == 5.0
    assert told(5.25, 5.0) == 5.25
    assert told(4.99, 5.0) == 4.99
    assert told_rate(None, 5.0) is None


def test_an_operator_that_starts_goes_on_with_the_rate_that_was_found() -> None:
    merchant = Merchant(5.0, limiting=limiting.remembered(NOT_LIMITING, 4.8, 1_000.0))

    for _ in range(60):
        merchant.tick()
    assert 4.0 < merchant.rates[-1] < 5.5
