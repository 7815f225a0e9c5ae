"""A merchant is made to hang only where its orders could fill every slot that its tier can grow to, twice."""

import pytest

from merchantroute_demo.load import LoadError, choose
from merchantroute_demo.route import Route, Tier
from merchantroute_samples.lines import Line

LINES = [Line(n, merchant, {}) for n, merchant in enumerate(["big"] * 6 + ["small"] * 2 + ["near"] * 2)]


def route(**slots: int) -> Route:
    tiers = {name: Tier(name, concurrency, 2) for name, concurrency in slots.items()}
    merchants = {"big": "a", "near": "a", "small": "b"}
    return Route("orders", "pos", "secret", "completions", 4.0, (1.0,), ("submit",), tiers, merchants)


def test_the_hung_merchant_gets_at_least_twice_its_tiers_slots_within_a_call_timeout() -> None:
    found = choose(route(a=20, b=20), LINES, rate=30)
    assert (found.merchant, found.slots) == ("big", 40)
    assert found.held >= 2 * 40
    assert found.hung_rate + found.other_rate == pytest.approx(30)


def test_it_keeps_its_natural_share_where_that_is_more() -> None:
    assert choose(route(a=1, b=1), LINES, rate=30).hung_rate == pytest.approx(18)


def test_a_phase_is_long_enough_for_the_healthy_orders_of_its_tier() -> None:
    found = choose(route(a=20, b=20), LINES, rate=30, healthy=1000)
    assert found.phase * found.other_rate * 2 / 4 == pytest.approx(1000)  # near is half of the others


def test_a_tier_that_is_too_large_for_the_rate_is_refused_with_what_it_needs() -> None:
    with pytest.raises(LoadError, match=r"big needs 110 orders/s \(200 slots"):
        choose(route(a=100, b=100), LINES, rate=50)


def test_a_merchant_without_neighbours_shows_nothing() -> None:
    with pytest.raises(LoadError):
        choose(route(a=20, b=1), LINES, rate=50, wanted="small")


def test_a_merchant_that_is_not_there_is_named() -> None:
    with pytest.raises(LoadError, match="nobody is not both"):
        choose(route(a=1, b=1), LINES, rate=50, wanted="nobody")


def test_why_it_matters_is_said_in_figures() -> None:
    said = str(choose(route(a=20, b=20), LINES, rate=30))
    assert "22.0 orders/s x callTimeout 4 s = 88 held at once, 2.2 times the 40 slots that tier a" in said
