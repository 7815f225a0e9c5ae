"""Whose figures are believed, and what makes a merchant slow or refused by them."""

from dataclasses import replace

import pytest

from merchantroute_operator.isolation import isolation_events as told
from merchantroute_operator.isolation.model import MerchantFigures, Waiting
from tests.unit.operator.isolation.fleet_samples import EPOCH, TIER, Route, isolated, slow, well

QUIET: dict[str, MerchantFigures] = {}


def test_a_merchant_that_is_slow_in_most_pods_gets_one_slot_of_the_fleet() -> None:
    route = Route()
    route.tick(QUIET, QUIET, QUIET, QUIET)

    decision = route.tick(slow("hung"), slow("hung"), slow("hung"), QUIET)

    queue = decision.queues["hung"]
    assert (queue.why, queue.stage, queue.share, queue.tier) == ("Slow", "Opening", 1, TIER)
    text = "hung: slow in 3 of 4 pods; its orders get a queue of their own, 1 at a time, 1 a second"
    assert route.told(told.ISOLATED) == [text]


@pytest.mark.parametrize(("pods", "finding"), [(2, 1), (4, 1), (8, 1), (20, 4)])
def test_too_few_pods_convict_nobody(pods: int, finding: int) -> None:
    route = Route()
    route.tick(*[QUIET] * pods)

    route.ticks(60, *[slow("hung")] * finding, *[QUIET] * (pods - finding))

    assert route.queues == {}


@pytest.mark.parametrize(("pods", "finding"), [(1, 1), (2, 2), (4, 2), (8, 2), (20, 5)])
def test_a_quarter_of_the_pods_convicts(pods: int, finding: int) -> None:
    route = Route()
    route.tick(*[QUIET] * pods)

    route.tick(*[slow("hung")] * finding, *[QUIET] * (pods - finding))

    assert list(route.queues) == ["hung"]


def test_a_pod_with_a_bad_network_is_not_believed() -> None:
    route = Route()
    all_slow = {f"m{number}": MerchantFigures(f"m{number}", 1, slow=True) for number in range(8)}
    route.tick(*[QUIET] * 4)

    decision = route.ticks(60, all_slow, slow("m1"), QUIET, QUIET)

    assert (list(route.queues), decision.frozen) == ([], None)


def test_when_most_merchants_trip_everywhere_nothing_opens_or_closes() -> None:
    all_slow = {f"m{number}": MerchantFigures(f"m{number}", 1, slow=True) for number in range(8)}
    route = isolated(Route())
    route.waiting["hung"] = Waiting(0, 0)

    decision = route.ticks(400, *[all_slow] * 4)

    assert list(route.queues) == ["hung"]
    assert decision.frozen is not None
    assert "8 of 10 active merchants are slow at once in each of 4 pods" in decision.frozen
    route.tick(QUIET, QUIET, QUIET, QUIET)
    assert (len(route.told(told.FROZEN)), len(route.told(told.THAWED))) == (1, 1)


def test_slowness_that_no_call_has_shown_for_a_while_convicts_nobody() -> None:
    route = isolated(Route())
    remembered = slow("hung", in_flight=0)
    route.ticks(30, *[remembered] * 4)
    route.queues, route.memory = {}, replace(route.memory, merchants={})

    route.ticks(60, *[remembered] * 4)

    assert route.queues == {}


def test_an_operator_that_starts_takes_no_old_slowness_and_no_old_refusals_for_new() -> None:
    route = Route()

    route.ticks(60, *[slow("failing", in_flight=0, failed=9) | well("busy", refused=5_000)] * 4)

    assert route.queues == {}


def test_a_flood_that_is_refused_gets_a_fair_share() -> None:
    route = Route(busy=45)
    route.tick(*[well("flood", in_flight=20)] * 4)

    decision = route.tick(*[well("flood", in_flight=20, refused=100)] * 4)

    queue = decision.queues["flood"]
    assert (queue.why, queue.share) == ("Refused", 100)
    assert route.told(told.ISOLATED)[0].startswith("flood: 400 orders refused in 10 s; ")


def test_what_is_refused_of_a_pod_that_was_known_from_its_start_counts_at_once() -> None:
    route = Route(started=int((EPOCH + 1_000.0) * 1000))
    route.tick(*[QUIET] * 4)

    route.tick(*[well("flood", in_flight=20, refused=100)] * 4)

    assert list(route.queues) == ["flood"]


def test_a_few_refused_orders_are_worth_no_queue() -> None:
    route = Route()
    route.tick(*[well("busy")] * 4)

    for count in range(1, 50):
        route.tick(*[well("busy", refused=2 * count)] * 4)

    assert route.queues == {}


def test_counters_that_begin_anew_are_no_refusals() -> None:
    route = Route()
    route.tick(*[well("busy", refused=10_000)] * 4)
    route.tick(*[well("busy", refused=3)] * 4)

    route.started = 2
    route.tick(*[well("busy", refused=9_000)] * 4)
    route.tick(*[well("busy", refused=9_001)] * 4)

    assert route.queues == {}
