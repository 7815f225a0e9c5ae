"""Cap and baselines of a merchant as they follow its answers, as tables of events."""

from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchantroute_worker.bulkhead.adaptive_limit import WARM_UP, AdaptiveLimit, Baseline, succeeded, timed_out

CEILING = 40


@dataclass(frozen=True)
class Merchant:
    """A merchant's limit, its steps' baselines, and the time of its last answer."""

    limit: AdaptiveLimit = field(default_factory=AdaptiveLimit)
    baselines: dict[str, Baseline] = field(default_factory=dict)
    now: float = 0.0

    @property
    def cap(self) -> int:
        return self.limit.within(CEILING)

    def answers(
        self,
        count: int,
        *,
        seconds: float,
        in_flight: int | None = None,
        step: str = "submit",
        every: float | None = None,
    ) -> "Merchant":
        """So many successes, one after the other, with as many calls in flight as the cap allows unless said."""
        merchant = self
        for _ in range(count):
            now = merchant.now + (seconds if every is None else every)
            calls = min(30, merchant.cap) if in_flight is None else in_flight
            known = merchant.baselines.get(step, Baseline())
            limit, baseline = succeeded(
                merchant.limit, known, seconds=seconds, in_flight=calls, now=now, ceiling=CEILING
            )
            merchant = Merchant(limit, {**merchant.baselines, step: baseline}, now)
        return merchant

    def usual(self, step: str = "submit") -> float:
        return self.baselines[step].usual


HEALTHY = Merchant().answers(100, seconds=0.1)


def capped(cap: float) -> Merchant:
    return replace(HEALTHY, limit=AdaptiveLimit(cap=cap))


def test_the_cap_starts_at_the_ceiling_and_follows_it() -> None:
    assert AdaptiveLimit().within(40) == HEALTHY.cap == 40
    assert HEALTHY.limit.within(60) == 60
    assert AdaptiveLimit(cap=30.0).within(10) == 10


@pytest.mark.parametrize(
    ("began", "cap"),
    [
        # calls that time out together are one drop
        ([0.0], 20),
        ([0.0, 0.1, 0.2, 9.9], 20),
        # one that began with the lowered cap is the next
        ([0.0, 10.0], 10),
        ([0.0, 10.0, 20.0, 30.0, 40.0], 1),
        # and the floor is 1
        ([float(10 * n) for n in range(20)], 1),
    ],
)
def test_a_time_out_halves_the_cap_once_per_call(began: list[float], cap: int) -> None:
    limit = HEALTHY.limit
    for start in began:
        limit = timed_out(limit, began=start, now=start + 10.0 if start % 10 == 0 else 10.0, ceiling=CEILING)

    assert limit.within(CEILING) == cap


@pytest.mark.parametrize(
    ("successes", "in_flight", "cap"),
    [
        (3, 4, 4),
        # as many successes as the cap is high are one more, and so on
        (4, 4, 5),
        (10, 4, 6),
        (2_000, 40, 40),
        # a cap that is not made use of does not grow
        (2_000, 1, 4),
        (2_000, 2, 5),
    ],
)
def test_as_many_successes_as_the_cap_is_high_raise_it_by_one(successes: int, in_flight: int, cap: int) -> None:
    assert capped(4.01).answers(successes, seconds=0.1, in_flight=in_flight).cap == cap


@pytest.mark.parametrize(
    ("count", "seconds", "in_flight", "lowered"),
    [
        # three times as slow as usual with half of the cap in use: load is the reason
        (20, 0.5, 20, True),
        # fourteen in a row are a drop, fewer may be chance
        (14, 0.5, 20, True),
        (13, 0.5, 20, False),
        # not three times as slow
        (50, 0.25, 40, False),
        (1, 0.9, 40, False),
        # far from the cap it is not load
        (20, 0.5, 10, False),
        # alone in flight neither
        (20, 0.5, 1, False),
    ],
)
def test_slow_answers_under_load_lower_the_cap(count: int, seconds: float, in_flight: int, lowered: bool) -> None:
    merchant = HEALTHY.answers(count, seconds=seconds, in_flight=in_flight)

    assert (merchant.cap < CEILING) is lowered


@given(
    latencies=st.lists(st.floats(0.001, 30.0), min_size=1, max_size=6),
    loads=st.lists(st.integers(1, CEILING + 10), min_size=1, max_size=20),
    timeout=st.booleans(),
)
def test_steps_of_any_fixed_latencies_never_lower_a_cap(
    latencies: list[float], loads: list[int], timeout: bool
) -> None:
    merchant = Merchant()
    if timeout:
        limit = timed_out(merchant.limit, began=0.0, now=10.0, ceiling=CEILING)
        merchant = replace(merchant, limit=limit, now=100.0)
    least = merchant.cap
    for number in range(WARM_UP + 60):
        for step, seconds in enumerate(latencies):
            calls = loads[(number + step) % len(loads)]
            merchant = merchant.answers(1, seconds=seconds, in_flight=calls, step=str(step), every=0.01)
            assert merchant.cap >= least
            least = merchant.cap

    assert [merchant.usual(str(step)) for step in range(len(latencies))] == pytest.approx(latencies)


@given(st.integers(0, 1_000), st.floats(0.02, 0.25))
def test_a_step_of_two_latencies_keeps_its_cap(seed: int, slow: float) -> None:
    """A cache that misses now and then: the mean of all answers is what is usual, or its misses would be slow."""
    random, merchant = Random(seed), Merchant()
    for _ in range(500):
        merchant = merchant.answers(1, seconds=2.0 if random.random() < slow else 0.05, in_flight=30, every=0.05)

    assert merchant.cap == CEILING


def test_what_is_noise_for_this_pod_is_no_drop_for_a_quick_merchant() -> None:
    quick = Merchant().answers(100, seconds=0.02)

    assert quick.answers(500, seconds=0.025).cap == CEILING
    assert quick.answers(50, seconds=0.09).cap == CEILING


def test_answers_to_calls_that_began_before_a_drop_say_nothing_of_the_lower_cap() -> None:
    lowered = HEALTHY.answers(14, seconds=0.5, in_flight=30)
    assert lowered.cap == 15

    after = lowered.answers(15, seconds=0.5, in_flight=15, every=0.01)

    assert (after.cap, after.usual()) == (15, lowered.usual())
    assert after.answers(20, seconds=0.5, in_flight=15).cap == 7


def test_a_drop_of_one_step_is_no_evidence_for_the_next_of_another() -> None:
    merchant = HEALTHY.answers(100, seconds=0.1, step="confirm").answers(13, seconds=0.5, step="confirm", in_flight=30)

    merchant = merchant.answers(14, seconds=0.5, in_flight=30)
    assert merchant.cap == 15

    assert merchant.answers(13, seconds=0.5, step="confirm", in_flight=15).cap == 15


def test_the_baseline_rests_while_answers_are_slow_under_load() -> None:
    failing = HEALTHY.answers(35, seconds=1.0)

    assert failing.cap < 10
    # It would be 0.55 by now if it followed.
    assert failing.usual() < 0.3


def test_a_merchant_that_has_changed_for_good_gets_its_slots_back_once_lowering_has_not_helped() -> None:
    merchant, lowest = HEALTHY, CEILING
    for _ in range(300):
        merchant = merchant.answers(1, seconds=1.0)
        lowest = min(lowest, merchant.cap)

    assert lowest == 1
    assert merchant.cap == CEILING
    assert merchant.usual() == pytest.approx(1.0)


def test_a_cap_without_effect_is_not_lowered_further_and_a_change_that_lasts_ends_it() -> None:
    """Slots are free, so the merchant has more of them than its cap, and answers as slowly as before."""
    merchant = HEALTHY.answers(14, seconds=1.0, in_flight=30)
    assert merchant.cap == 15

    merchant = merchant.answers(15, seconds=1.0, in_flight=30)

    assert merchant.cap == CEILING
    assert merchant.answers(500, seconds=1.0, in_flight=30).cap == CEILING


def test_who_is_held_to_one_slot_and_answers_no_sooner_has_changed() -> None:
    """It has more than that one while slots are free, but by far not what it bore."""
    held = replace(HEALTHY, limit=AdaptiveLimit(cap=1.0, lowered=0.0))

    assert held.answers(14, seconds=1.0, in_flight=8).cap == CEILING
    assert held.answers(14, seconds=1.0, in_flight=1).cap == CEILING


def test_the_first_answers_say_what_is_usual_and_lower_nothing() -> None:
    merchant = Merchant().answers(5, seconds=0.1, in_flight=25)

    merchant = merchant.answers(500, seconds=2.0, in_flight=25)

    assert merchant.cap == CEILING
    assert merchant.usual() == pytest.approx(2.0, rel=0.05)


def test_a_long_tail_costs_a_healthy_merchant_nothing() -> None:
    merchant = Merchant()
    for number in range(3_000):
        merchant = merchant.answers(1, seconds=0.25 if number % 50 == 0 else 0.08, in_flight=40, every=0.01)

    assert merchant.cap == CEILING
