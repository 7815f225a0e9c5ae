"""What one pod of several says harms no merchant: what no other pod has seen is that pod's own trouble, or nonsense."""

from dataclasses import replace

import pytest

from merchantroute_operator.isolation.groups.route_groups import RouteGroups
from merchantroute_operator.isolation.model import GroupFigures, MerchantFigures, PodFigures, Waiting
from merchantroute_operator.spec.route import Merchant
from tests.unit.operator.isolation.fleet_samples import EPOCH, TICK, TIER, Route, isolated, limiting, slow, well

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


def test_no_host_fails_by_what_one_pod_says_of_it() -> None:
    names = [f"m{number}" for number in range(5)]
    merchants = [Merchant(name, TIER, f"https://vendor.example/{name}", None) for name in names]
    route = Route(active=30, merchants=dict.fromkeys(names, TIER), member_of=RouteGroups(merchants, None))
    lies = {name: MerchantFigures(name, 1, slow=True, group="vendor.example") for name in names}
    groups = {"vendor.example": GroupFigures(5, 5)}

    for _ in range(30):
        now = route.now + TICK
        honest = [PodFigures(f"pod-{place}", 1, now, 50, 9, 12, {}, busy=20) for place in range(9)]
        liar = PodFigures("liar", 1, now, 50, 9, 12, lies if now > 1_010 else {}, busy=20, groups=groups)
        route.elsewhere = {TIER: [*honest, liar]}
        route.tick()

    assert route.queues == {}


def test_no_pod_alone_freezes_a_tier_whose_other_pods_have_calls() -> None:
    route = Route(active=2)
    route.tick(*[QUIET] * 10)
    for _ in range(10):
        now = route.now + TICK
        everybody = {f"x{number}": MerchantFigures(f"x{number}", 1, slow=True) for number in range(8)}
        honest = [PodFigures(f"pod-{n}", 1, now, 50, 2, 12, slow("hung") if n < 3 else {}, busy=20) for n in range(9)]
        route.elsewhere = {TIER: [*honest, PodFigures("liar", 1, now, 50, 9, 12, everybody, busy=20)]}
        route.tick()
        assert not route.memory.frozen

    assert list(route.queues) == ["hung"]


def test_two_quiet_pods_and_one_busy_one_that_find_all_slow_freeze_a_tier() -> None:
    route = Route()
    everybody = {f"x{number}": MerchantFigures(f"x{number}", 1, slow=True) for number in range(8)}
    some = slow("x0") | slow("x1") | slow("x2")
    for _ in range(10):
        now = route.now + TICK
        quiet = [PodFigures(f"pod-{n}", 1, now, 50, 3, 12, some, busy=3) for n in range(2)]
        route.elsewhere = {TIER: [*quiet, PodFigures("busy", 1, now, 50, 9, 12, everybody, busy=9)]}
        route.tick()

    assert (list(route.memory.frozen), list(route.queues)) == ([TIER], [])


def test_one_pods_slots_are_no_more_than_anothers() -> None:
    route = Route(busy=45)
    for tick in range(1, 6):
        now = route.now + TICK
        report = well("flood", in_flight=10, refused=30 * tick)
        honest = [PodFigures(f"pod-{n}", 1, now, 50, 9, 12, report, busy=45) for n in range(4)]
        route.elsewhere = {TIER: [*honest, PodFigures("liar", 1, now, 10_000, 9, 10_000, report, busy=0)]}
        route.tick()

    assert list(route.queues) == ["flood"], "0.3 of the slots are refused"
    assert route.queues["flood"].share <= 5 * 50


def test_one_pod_opens_no_queue_by_orders_that_nobody_else_refuses() -> None:
    route = Route(busy=45)
    for tick in range(1, 50):
        lies = {f"x{each}": MerchantFigures(f"x{each}", 1, refused=10_000 * tick) for each in range(100)}
        route.tick(lies, *[well("x1", in_flight=1, refused=1)] * 9)

    assert route.queues == {}
