"""What the simulation of `make sim-isolation` says of own queues, for some minutes of virtual time."""

from dataclasses import replace

from benchmarks.isolation.fleet import Fleet
from benchmarks.isolation.fleet_figures import figures
from benchmarks.isolation.isolation_scenarios import FAULT_AT, IsolationScenario, equal, zipf
from benchmarks.isolation.operator_in_time import OperatorInTime
from merchantroute_operator.isolation.model import MerchantLimits, Policy

SMALL = IsolationScenario(name="", weights=zipf(10), load=0.5, pods=2, slots=20)


def operated(scenario: IsolationScenario) -> Fleet:
    """A fleet whose operator opens and closes own queues, after its run."""
    fleet = Fleet(scenario, "own")
    OperatorInTime(fleet, Policy(limits={str(merchant): limits for merchant, limits in scenario.limits.items()}))
    fleet.run()
    return fleet


def test_a_merchant_that_hangs_is_isolated_and_its_neighbours_do_not_wait() -> None:
    fleet = operated(replace(SMALL, faults={1: "hang"}, seconds=200.0))

    found = figures(fleet)
    assert fleet.bound == {1}
    assert (found["openings"], found["false_openings"]) == (1, 0)
    assert found["fault_p99_from_3s"] <= 1.1 * found["before_p99"]


def test_a_host_that_hangs_with_most_of_the_merchants_is_isolated_as_they_are() -> None:
    vendor = frozenset(range(4, 24))
    hangs = replace(
        SMALL, weights=equal(24), load=0.3, slots=100, faults=dict.fromkeys(vendor, "hang"), one_host=vendor,
        seconds=150.0,
    )  # fmt: skip

    fleet = operated(hangs)

    assert fleet.bound == vendor
    assert operated(replace(hangs, one_host=frozenset())).bound == set()


def test_the_neighbours_of_a_host_that_hangs_wait_a_few_seconds_and_its_backlog_goes() -> None:
    vendor = frozenset(range(4, 104))
    weights = (*equal(4), *(0.1,) * len(vendor))
    hangs = replace(SMALL, weights=weights, faults=dict.fromkeys(vendor, "hang"), one_host=vendor)

    fleet, one_by_one = operated(hangs), operated(replace(hangs, one_host=frozenset()))

    together, apart = figures(fleet), figures(one_by_one)
    assert together["isolated_after"] <= 10
    assert together["fault_p99_from_3s"] <= 2 * together["before_p99"] < apart["fault_p99_from_3s"] / 5
    assert (fleet.bound, any(fleet.own.values())) == (set(), False)


def test_a_healed_merchants_backlog_goes_and_its_queue_is_closed() -> None:
    fleet = operated(replace(SMALL, faults={1: "hang"}))

    assert fleet.bound == set()
    assert not any(fleet.own.values())


def test_nobody_is_isolated_where_all_are_well() -> None:
    fleet = operated(replace(SMALL, weights=zipf(50), pods=4, slots=50, load=0.8, noise=0.6, seconds=150.0))

    assert fleet.happened.opened == []


def test_who_stands_behind_a_flood_is_served_where_another_merchants_own_queue_takes_each_slot() -> None:
    limits = {9: MerchantLimits(max_in_flight=6)}
    few = replace(SMALL, pods=1, slots=10, load=0.3, limits=limits, flood=(8, 300), flooded=2)

    fleet = operated(replace(few, seconds=FAULT_AT + 60.0))

    assert {merchant for _, merchant in fleet.happened.opened} == {8, 9}
    assert figures(fleet)["fault_p99"] is not None, "orders that came behind the flood are done before it ends"


def test_a_limit_holds_while_pods_come_and_go() -> None:
    limits = {1: MerchantLimits(max_in_flight=4)}
    scenario = replace(SMALL, weights=equal(4), limits=limits, scale={FAULT_AT: 5, 130.0: 1, 170.0: 3}, seconds=250.0)

    fleet = operated(scenario)

    assert max(count for at, count in fleet.happened.begun if at > 20.0) == 4


def test_a_merchant_that_takes_two_orders_a_second_gets_these_from_both_pods_together_and_hardly_more() -> None:
    fleet = operated(replace(SMALL, faults={0: "429"}, takes=2.0, healed_at=270.0, seconds=280.0))

    found = figures(fleet)
    assert (found["openings"], found["false_openings"]) == (1, 0)
    assert found["throughput"] > 0.85
    assert found["limited_share"] < 0.06
    assert found["amplification_of_odd"] < 1.1
    assert found["fault_p99"] <= 1.1 * found["before_p99"]
