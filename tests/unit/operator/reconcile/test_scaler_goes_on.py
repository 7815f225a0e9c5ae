"""What fails over one broker or one route is theirs: the scaler looks at all the others, and goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from merchantroute_operator.errors import BrokerError, SecretInvalid
from merchantroute_operator.reconcile import scaler as scaler_module
from merchantroute_operator.reconcile.observers.tick import Tick
from merchantroute_operator.reconcile.scaler import Scaler
from merchantroute_operator.topology.objects import QueueSample
from tests.unit.operator.operator_under_test import KEY, World
from tests.unit.operator.route_samples import raw_route

OTHER = ("orders", "other")


class Answering:
    """A broker of which only the figures are asked."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure

    async def samples(self) -> Mapping[str, QueueSample]:
        if self.failure is not None:
            raise self.failure
        return {}


@dataclass
class TwoBrokers:
    """Each used by one route."""

    first: Answering
    second: Answering = field(default_factory=Answering)

    def users(self) -> Any:
        return [(self.first, (KEY,)), (self.second, (OTHER,))]


def scaler(brokers: TwoBrokers) -> Scaler:
    world = World(raw_route())
    world.look()
    states = world.reconciler.states
    states[OTHER] = states[KEY]
    ctx = world.reconciler._ctx
    ctx = type(ctx)(
        **{
            **{name: getattr(ctx, name) for name in ctx.__slots__},
            "brokers": cast(Any, brokers),
        }  # the two in place of the one
    )
    return Scaler(ctx, states, touch=lambda _: None, update_status=lambda _: None, tick=2.0)


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[str, str], bool]]:
    """Each route that was looked at, and whether there were figures."""
    seen: list[tuple[tuple[str, str], bool]] = []

    async def note(tick: Tick) -> bool:
        seen.append((tick.key, tick.samples is not None))
        return False

    monkeypatch.setattr(scaler_module, "OBSERVERS", (note,))
    return seen


@pytest.mark.parametrize(
    "failure", [BrokerError("no"), SecretInvalid("ca.crt"), ValueError("a defect"), TypeError("a defect")]
)
def test_a_broker_whose_figures_cannot_be_read_holds_up_nobody_else(
    failure: Exception, looked_at: list[tuple[tuple[str, str], bool]]
) -> None:
    asyncio.run(scaler(TwoBrokers(Answering(failure))).tick())
    assert sorted(looked_at) == [(OTHER, True), (KEY, False)]


def test_a_route_that_fails_is_told_once_and_the_others_are_looked_at(
    looked_at: list[tuple[tuple[str, str], bool]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(tick: Tick) -> bool:
        if tick.key == KEY:
            raise OverflowError("integer division result too large for a float")
        looked_at.append((tick.key, True))
        return False

    monkeypatch.setattr(scaler_module, "OBSERVERS", (fail,))
    looking = scaler(TwoBrokers(Answering()))
    asyncio.run(looking.tick())
    asyncio.run(looking.tick())
    assert looked_at == [(OTHER, True), (OTHER, True)]
    assert caplog.text.count("route orders/pos cannot be scaled") == 1
