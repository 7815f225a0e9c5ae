"""What one pod of several says harms no merchant: what no other pod has seen is that pod's own trouble, or nonsense."""

from dataclasses import replace

import pytest

from merchantroute_operator.isolation.model import MerchantFigures, Waiting
from tests.unit.operator.isolation.fleet_samples import EPOCH, Route, isolated, limiting, slow, well

QUIET: dict[str, MerchantFigures] = {}


def answering_429(*, workers: int, done: int = 20, ticks: int = 20) -> tuple[Route, int]:
    """A merchant with a rate that so many of ten pods work, and what each of these has done."""
    route = Route(busy=10)
    route.tick(*[QUIET] * 10)
    for tick in range(1, 6):
        route.tick(*[limiting("busy", tick, in_flight=1, succeeded=done * tick)] * 10)
    route.waiting["busy"] = Waiting(500, workers)
    route.workers = {"busy": [f"pod-{place}" for place in range(workers)]}
    for tick in range(6, 6 + ticks):
        route.tick(*[limiting("busy", 5, in_flight=1, succeeded=done * tick)] * workers, *[QUIET] * (10 - workers))
    assert route.queues["busy"].rate is not None
    return route, done * (5 + ticks)


def test_one_pod_opens_no_queue_by_answers_429_that_nobody_else_gets() -> None:
    route = Route()
    route.tick(*[QUIET] * 10)

    for tick in range(1, 100):
        route.tick(limiting("busy", 50 * tick, in_flight=9, paused_for=60.0), *[QUIET] * 9)

    assert route.queues == {}


def test_two_pods_that_each_hear_one_429_open_one() -> None:
    route = Route()
    route.tick(*[limiting("busy", 0)] * 3)
    route.tick(limiting("busy", 1), limiting("busy", 0), limiting("busy", 0))
    route.ticks(10, limiting("busy", 1), limiting("busy", 0), limiting("busy", 0))

    route.tick(limiting("busy", 1), limiting("busy", 1), limiting("busy", 0))

    assert route.queues["busy"].why == "RateLimited"


def test_a_pod_that_has_no_part_of_the_queue_neither_pauses_nor_slows_down_its_merchant() -> None:
    route, done = answering_429(workers=1)
    found = route.queues["busy"].rate
    for tick in range(1, 30):
        honest = limiting("busy", 5, in_flight=1, succeeded=done + 20 * tick)
        route.tick(honest, limiting("busy", 100 * tick, in_flight=40, paused_for=900.0), *[QUIET] * 8)

    assert found is not None
    assert route.queues["busy"].rate is None or route.queues["busy"].rate >= found
    assert not route.queues["busy"].paused_until


def test_of_two_pods_that_work_it_one_pauses_nobody_and_halves_no_rate_by_itself() -> None:
    route, done = answering_429(workers=2)
    found = route.queues["busy"].rate
    for tick in range(1, 30):
        honest = limiting("busy", 5, in_flight=1, succeeded=done + 20 * tick)
        lies = limiting("busy", 5 + 1000 * tick, in_flight=1, succeeded=done, paused_for=900.0)
        route.tick(honest, lies, *[QUIET] * 8)
        assert not route.queues["busy"].paused_until

    assert found is not None
    assert route.queues["busy"].rate is not None
    assert route.queues["busy"].rate > found / 2


def test_the_second_longest_of_what_several_pods_were_asked_for_holds_for_all() -> None:
    route, done = answering_429(workers=3)
    asked = [limiting("busy", 8, succeeded=done, paused_for=seconds) for seconds in (900.0, 20.0, 7.0)]

    route.tick(*asked, *[QUIET] * 7)

    assert route.queues["busy"].paused_until == pytest.approx(EPOCH + route.now + 20.0, abs=0.2)


def test_no_pod_without_a_part_says_that_a_slow_merchant_is_well() -> None:
    route = isolated(Route())
    route.waiting["hung"] = Waiting(500, 1)
    route.workers = {"hung": ["pod-0"]}
    for tick in range(1, 60):
        lies = well("hung", in_flight=1, succeeded=1000 * tick)
        route.tick(slow("hung", failed=tick), lies, lies, QUIET)
        assert route.queues["hung"].share == 1


def test_what_all_pods_say_of_a_merchant_counts_until_its_queue_is_open() -> None:
    route = isolated(Route())
    route.queues["hung"] = replace(route.queues["hung"], stage="Opening")
    route.workers = {"hung": ["pod-3"]}

    route.tick(*[slow("hung", failed=1)] * 3, QUIET)

    assert route.queues["hung"].share == 1
