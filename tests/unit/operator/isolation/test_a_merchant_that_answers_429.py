"""Who answers 429 again and again gets a queue of its own, with a rate and with pauses that hold over all pods."""

from dataclasses import replace

import pytest

from merchantroute_operator.isolation import isolation_events as told
from merchantroute_operator.isolation.model import MerchantFigures, MerchantLimits, Policy, Waiting
from merchantroute_operator.isolation.rates.limiting import AGAIN_WITHIN
from tests.unit.operator.isolation.fleet_samples import EPOCH, Route, limiting, slow, well

QUIET: dict[str, MerchantFigures] = {}


def limited(route: Route, *, seconds: int = 8, done: int = 10, refused: int = 2) -> Route:
    """Let a merchant do so much per tick in one of two pods, answer so many with 429 in both, and get a queue of its
    own that the first one works.
    """
    route.tick(QUIET, QUIET)
    for tick in range(1, seconds // 2 + 1):
        both = limiting("busy", refused * tick, in_flight=1, succeeded=done * tick), limiting("busy", refused * tick)
        route.tick(*both)
    assert route.queues["busy"].why == "RateLimited"
    return route


def test_one_429_opens_nothing() -> None:
    route = Route()
    route.tick(QUIET, QUIET)

    route.ticks(120, limiting("busy", 20, paused_for=30.0), QUIET)

    assert route.queues == {}


def test_answering_429_again_opens_a_queue_at_the_rate_that_was_seen() -> None:
    route = limited(Route())

    queue = route.queues["busy"]
    assert (queue.rate, queue.burst, queue.share) == (5.0, 1, 56)
    text = "busy: 12 orders answered 429 lately; its orders get a queue of their own, 56 at a time, 5 a second"
    assert route.told(told.ISOLATED) == [text]


def test_what_an_operator_hears_that_has_begun_just_now_may_be_old() -> None:
    route = Route()

    route.ticks(60, limiting("busy", 500, paused_for=0.0), QUIET)

    assert route.queues == {}


def test_429_lowers_the_rate_and_not_the_share() -> None:
    route = limited(Route())
    route.waiting["busy"] = Waiting(500, 5)
    route.ticks(8, limiting("busy", 8, in_flight=5, succeeded=100), QUIET)
    before = route.queues["busy"]
    assert before.rate is not None

    route.tick(limiting("busy", 30, in_flight=5, succeeded=110), QUIET)

    after = route.queues["busy"]
    assert after.rate is not None
    assert after.rate < 0.85 * before.rate
    assert after.share == before.share


def test_a_pause_that_one_pod_hears_holds_for_all_until_it_is_over() -> None:
    route = limited(Route())
    route.waiting["busy"] = Waiting(500, 0)

    route.tick(limiting("busy", 10, succeeded=40, paused_for=20.0), limiting("busy", 0))
    until = route.queues["busy"].paused_until
    assert until == pytest.approx(EPOCH + route.now + 20.0, abs=0.2)
    route.ticks(16, limiting("busy", 10, succeeded=40, paused_for=1.0), limiting("busy", 0))
    assert route.queues["busy"].paused_until == until
    route.ticks(6, limiting("busy", 10, succeeded=40), limiting("busy", 0))

    assert route.queues["busy"].paused_until == 0.0


def test_a_pod_that_says_again_and_again_that_it_is_paused_holds_nobody() -> None:
    route = limited(Route())

    for _ in range(400):
        route.tick(limiting("busy", 8, succeeded=40, paused_for=3_600.0), limiting("busy", 0))

    assert "busy" not in route.queues or not route.queues["busy"].paused_until


def test_a_pod_whose_way_out_fails_pauses_nobody() -> None:
    route = limited(Route())
    others = {f"m{number}": MerchantFigures(f"m{number}", 1, slow=True) for number in range(8)}
    route.tick(limiting("busy", 8, succeeded=40), QUIET)

    route.tick(others | limiting("busy", 60, succeeded=40, paused_for=500.0), limiting("busy", 0))

    assert not route.queues["busy"].paused_until


def test_own_limits_bound_what_is_found() -> None:
    limits = {"busy": MerchantLimits(max_in_flight=3, max_rate=4.0, burst=2)}
    route = Route(Policy(limits=limits))
    route.tick(QUIET, QUIET)
    for tick in range(1, 6):
        route.tick(limiting("busy", 2 * tick, in_flight=1, succeeded=10 * tick), QUIET)
    queue = route.queues["busy"]
    assert (queue.why, queue.rate, queue.burst, queue.share) == ("Limited", 4.0, 2, 3)

    for tick in range(1, 30):
        route.tick(limiting("busy", 10 + 5 * tick, in_flight=1, succeeded=50 + 2 * tick), QUIET)

    queue = route.queues["busy"]
    assert queue.rate is not None
    assert (queue.why, queue.burst, queue.share) == ("Limited", 1, 3)
    assert queue.rate < 2.0


def test_it_grows_until_it_is_no_rate_and_the_queue_closes_after_calm() -> None:
    route = limited(Route())
    route.waiting["busy"] = Waiting(5_000, 5)
    done = 40.0
    highest = 0.0
    for _ in range(75):
        highest = max(highest, route.queues["busy"].rate or 0.0)
        done += 2 * min(100.0, route.queues["busy"].rate or 0.0)
        route.tick(limiting("busy", 8, in_flight=5, succeeded=int(done)), QUIET)
    assert 100.0 < highest < 400.0
    assert route.queues["busy"].rate is None

    route.waiting["busy"] = Waiting(0, 1)
    begun = route.now
    route.ticks(200, limiting("busy", 8, in_flight=1, succeeded=int(done)), QUIET)

    assert route.queues == {}
    assert 30.0 <= route.times(told.RELEASED)[0] - begun <= 40.0


def test_one_that_is_exempt_has_no_queue_for_it() -> None:
    route = Route(Policy(exempt=frozenset({"busy"})))
    route.tick(QUIET, QUIET)

    for tick in range(1, 30):
        route.tick(limiting("busy", 2 * tick, succeeded=10 * tick), QUIET)

    assert route.queues == {}


def test_one_that_is_exempt_has_its_limits_and_neither_a_rate_nor_a_pause_that_was_found() -> None:
    limits = {"busy": MerchantLimits(max_in_flight=3)}
    route = Route(Policy(exempt=frozenset({"busy"}), limits=limits))
    route.tick(QUIET, QUIET)

    for tick in range(1, 30):
        route.tick(limiting("busy", 2 * tick, in_flight=1, succeeded=10 * tick, paused_for=9.0), QUIET)

    queue = route.queues["busy"]
    assert (queue.why, queue.share, queue.rate, queue.paused_until) == ("Limited", 3, None, 0.0)


def test_an_operator_that_starts_keeps_rate_and_pause() -> None:
    route = limited(Route())
    route.tick(limiting("busy", 10, succeeded=40, paused_for=100.0), QUIET)
    before = route.queues["busy"]
    route.memory = replace(route.memory, pods={}, merchants={})

    route.tick(limiting("busy", 10, succeeded=40, paused_for=98.0), QUIET)

    after = route.queues["busy"]
    assert (after.rate, after.paused_until, after.why) == (before.rate, before.paused_until, "RateLimited")


def test_one_that_hangs_as_well_has_one_slot_and_its_rate_again_once_it_is_well() -> None:
    route = limited(Route())
    route.waiting["busy"] = Waiting(500, 5)
    found = route.queues["busy"].rate
    route.tick(slow("busy", failed=8), slow("busy"))
    assert (route.queues["busy"].why, route.queues["busy"].share) == ("Slow", 1)

    for done in range(41, 60):
        route.tick(limiting("busy", 8, in_flight=1, succeeded=done), well("busy"))

    assert found is not None
    assert route.queues["busy"].rate is not None
    assert route.queues["busy"].rate >= found


def test_429_halves_no_share_of_one_that_was_slow() -> None:
    route = Route()
    route.tick(QUIET, QUIET)
    route.tick(slow("busy"), slow("busy"))
    route.waiting["busy"] = Waiting(500, 8)
    route.queues["busy"] = replace(route.queues["busy"], share=16)

    route.tick(limiting("busy", 20, in_flight=8, succeeded=10), well("busy"))

    assert route.queues["busy"].share >= 16


def test_where_there_is_no_room_those_that_are_slow_come_before_those_that_answer_429_and_these_before_floods() -> None:
    route = Route(Policy(max_own_queues=2))
    route.tick(QUIET, QUIET)
    for tick in range(1, 8):
        report = {
            **limiting("busy", 2 * tick, succeeded=10 * tick),
            **well("flood", in_flight=9, refused=100 * tick),
            **slow("hung"),
        }
        route.tick(report, slow("hung") | limiting("busy", 2 * tick))

    assert sorted(route.queues) == ["busy", "hung"]


def test_memory_of_merchants_that_answered_429_once_is_dropped() -> None:
    route = Route(started=int((EPOCH + 1_000.0) * 1000))
    route.tick(QUIET, QUIET)
    route.tick(limiting("busy", 3), QUIET)
    assert "busy" in route.memory.merchants

    route.ticks(AGAIN_WITHIN + 4, QUIET, QUIET)

    assert route.memory.merchants == {}
