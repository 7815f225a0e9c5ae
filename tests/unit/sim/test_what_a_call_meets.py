"""A behaviour is read from JSON, and decides what one call meets and how long it takes."""

from random import Random
from typing import Any

import pytest

from merchant_sim.behaviour import Behaviour, BehaviourError, Kind, Outcome, decide, parse
from merchant_sim.latency import Latency
from merchant_sim.rate import Rate


def outcomes(body: dict[str, Any]) -> set[Outcome]:
    behaviour = parse(body, Behaviour())
    dice = Random(1)
    return {decide(behaviour, dice).outcome for _ in range(200)}


@pytest.mark.parametrize(
    ("body", "meets"),
    [
        ({}, {Outcome.ANSWER}),
        ({"behaviour": "normal", "error_rate": 0.5}, {Outcome.ANSWER, Outcome.ERROR}),
        ({"behaviour": "error"}, {Outcome.ERROR}),  # every call, unless it says how many
        ({"behaviour": "error", "error_rate": 0.5}, {Outcome.ANSWER, Outcome.ERROR}),
        ({"behaviour": "hang"}, {Outcome.HANG}),
        ({"behaviour": "drip"}, {Outcome.DRIP}),
        ({"behaviour": "refuse"}, {Outcome.REFUSE}),
        ({"behaviour": "throttle"}, {Outcome.THROTTLE}),
        ({"behaviour": "mute"}, {Outcome.MUTE}),
        ({"behaviour": "reset"}, {Outcome.RESET_BEFORE, Outcome.RESET_AFTER}),
    ],
)
def test_each_behaviour_has_its_outcomes(body: dict[str, Any], meets: set[Outcome]) -> None:
    assert outcomes(body) == meets


def test_in_any_second_no_more_calls_are_taken_than_the_rate() -> None:
    rate = Rate()
    assert [rate.takes(2, now) for now in (0.0, 0.25, 0.75, 1.0, 1.125, 1.25)] == [True, True, False, True, False, True]


def test_half_of_the_resets_come_after_the_effect() -> None:
    behaviour, dice = Behaviour(kind=Kind.RESET), Random(2)
    after = sum(decide(behaviour, dice).outcome is Outcome.RESET_AFTER for _ in range(2000))
    assert 900 < after < 1100


def test_latencies_have_the_median_and_the_99th_percentile_that_were_asked_for() -> None:
    dice = Random(3)
    drawn = sorted(Latency(80, 250).draw(dice) for _ in range(20_000))
    assert drawn[10_000] == pytest.approx(0.080, rel=0.05)
    assert drawn[19_800] == pytest.approx(0.250, rel=0.10)


@pytest.mark.parametrize("latency", [Latency(0, 0), Latency(7, 7)])
def test_equal_figures_make_a_constant_latency(latency: Latency) -> None:
    assert latency.draw(Random()) == latency.p50_ms / 1000


def test_what_a_put_leaves_out_is_the_default_of_the_moment() -> None:
    base = parse({"latency": {"p50_ms": 5, "p99_ms": 9}}, Behaviour())
    assert parse({"behaviour": "hang"}, base).latency == Latency(5, 9)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "JSON object"),
        ({"behavior": "hang"}, "unknown field 'behavior'"),
        ({"behaviour": "sulk"}, "none of normal, hang"),
        ({"error_rate": 2}, "error_rate: need a number from 0 to 1"),
        ({"error_rate": True}, "error_rate:"),
        ({"error_status": 200}, "error_status: need a number from 400 to 599"),
        ({"calls_per_s": -1}, "calls_per_s: need a number"),
        ({"poison": 7}, "poison: need an order's id"),
        ({"conflict": "yes"}, "conflict: need true or false"),
        ({"latency": 5}, "latency:"),
        ({"latency": {"p50_ms": 9, "p99_ms": 5}}, "p50_ms <= p99_ms"),
        ({"auth": {"type": "Bearer"}}, "auth: need Bearer (token)"),
    ],
)
def test_a_behaviour_that_makes_no_sense_is_refused_with_the_field(body: object, says: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        parse(body, Behaviour())
    assert says in str(error.value)
    assert issubclass(BehaviourError, ValueError)


@pytest.mark.parametrize(
    ("auth", "headers"),
    [
        ({"type": "Bearer", "token": "t"}, {"Authorization": "Bearer t"}),
        ({"type": "Basic", "username": "u", "password": "p"}, {"Authorization": "Basic dTpw"}),
        ({"type": "Header", "name": "X-Key", "value": "ü"}, {"X-Key": "ü"}),
    ],
)
def test_a_merchant_that_asks_for_credentials_admits_only_those(auth: object, headers: dict[str, str]) -> None:
    asked = parse({"auth": auth}, Behaviour()).auth
    assert asked is not None
    assert asked.admits(headers)
    assert not asked.admits({})
    assert not asked.admits({name: value + "x" for name, value in headers.items()})
    assert next(iter(headers.values())) not in repr(asked)
    assert parse({"auth": None}, Behaviour(auth=asked)).auth is None
