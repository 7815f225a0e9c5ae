"""What the simulation of `make bench-fairness` says of the bulkhead, for a minute or two of virtual time."""

from dataclasses import replace

import pytest

from benchmarks.fairness.scenario import SCENARIOS, Scenario, equal, zipf
from benchmarks.fairness.virtual_pod import VirtualPod

MIXED = (0.05, 2.0, 0.05)
LATENCIES = [(0.7, 0.7, 0.7), MIXED]


def ratio(scenario: Scenario) -> float:
    """The p99 with caps in terms of the p99 without."""
    return VirtualPod(scenario, caps=True).run().p99() / VirtualPod(scenario, caps=False).run().p99()


@pytest.mark.parametrize("steps", LATENCIES)
@pytest.mark.parametrize(("weights", "load"), [(equal(8), 0.9), (zipf(50), 0.8)])
def test_of_many_healthy_merchants_none_loses_slots(
    weights: tuple[float, ...], load: float, steps: tuple[float, ...]
) -> None:
    figures = VirtualPod(Scenario(name="", weights=weights, load=load, steps=steps, seconds=60.0), caps=True).run()

    assert set(figures.caps.values()) == {50}
    assert len(figures.refused) <= 0.005 * figures.orders


@pytest.mark.parametrize("steps", LATENCIES)
@pytest.mark.parametrize("load", [0.8, 0.9])
def test_three_merchants_wait_little_for_slots_that_they_leave_to_each_other(
    load: float, steps: tuple[float, ...]
) -> None:
    assert ratio(Scenario(name="", weights=equal(3), load=load, steps=steps, seconds=60.0)) <= 2


@pytest.mark.parametrize("merchants", [3, 100])
def test_long_tasks_make_no_merchant_slow(merchants: int) -> None:
    scenario = Scenario(name="", weights=equal(merchants), load=0.6, steps=(8.0,), task=True, seconds=200.0)
    figures = VirtualPod(scenario, caps=True).run()

    assert figures.refusals["slow"] == 0
    assert set(figures.caps.values()) == {50}


def test_without_the_rule_a_hung_merchant_is_felt_and_with_it_not() -> None:
    scenario = Scenario(name="", weights=equal(3), load=0.6, hangs=(20.0, 60.0), seconds=60.0)

    assert ratio(scenario) < 0.3
    healthy = VirtualPod(replace(scenario, hangs=None), caps=True).run()
    assert VirtualPod(scenario, caps=True).run().p99() < 1.1 * healthy.p99()


def test_a_merchant_that_is_slower_for_good_gets_its_slots_back() -> None:
    scenario = next(each for each in SCENARIOS if each.degrades and each.degrades[1] > 2)

    assert ratio(replace(scenario, degrades=(10.0, 5.0), seconds=60.0)) <= 2
