"""What fails over one broker or one route is theirs: the scaler looks at all the others, and goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from merchantroute_operator.errors import BrokerError, SecretInvalid
from merchantroute_operator.rabbit.vhost.vhost_topology import VhostTopology, vhost_topology
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
        self.users: tuple[tuple[str, str], ...] = ()

    async def recent(self, at_most: float) -> VhostTopology:
        del at_most
        return vhost_topology(0.0, (), (), ())

    async def samples(self) -> Mapping[str, QueueSample]:
        if self.failure is not None:
            raise self.failure
        return {}


@dataclass
class TwoBrokers:
    """Each used by one route."""

    first: Answering
    second: Answering = field(default_factory=Answering)

    def vhosts(self) -> Any:
        self.first.users, self.second.users = (KEY,), (OTHER,)
        return [self.first, self.second]


class Hanging(Answering):
    """A broker that takes the question and never answers."""

    async def samples(self) -> Mapping[str, QueueSample]:
        await asyncio.Event().wait()
        return {}


def scaler(brokers: TwoBrokers, touched: list[Any] | None = None, world: World | None = None) -> Scaler:
    world = world or World(raw_route())
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
    return Scaler(
        ctx, states, touch=(touched if touched is not None else []).append, update_status=lambda _: None, tick=0.01
    )


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


async def test_a_broker_that_hangs_costs_the_others_no_tick(looked_at: list[tuple[tuple[str, str], bool]]) -> None:
    looking = await asyncio.to_thread(scaler, TwoBrokers(Hanging()))
    running = asyncio.create_task(looking.run())
    async with asyncio.timeout(10):
        while len(looked_at) < 20:
            await asyncio.sleep(0)
    assert {key for key, _ in looked_at} == {OTHER}
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize(("taken", "rest"), [(0.0, 0.01), (3.0, 3.0), (9.0, scaler_module.LONGEST_REST)])
async def test_a_broker_that_worked_for_long_is_left_alone_for_as_long(
    taken: float, rest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(raw_route())

    class Slow(Answering):
        async def samples(self) -> Mapping[str, QueueSample]:
            world.at += taken
            return {}

    looking = await asyncio.to_thread(scaler, TwoBrokers(Slow()), world=world)
    rested = []

    async def sleep(seconds: float) -> None:
        rested.append(seconds)
        raise asyncio.CancelledError

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await looking._follow(cast(Any, Slow()))
    assert rested == [rest]


async def test_a_broker_that_does_not_answer_in_time_counts_as_silent(
    looked_at: list[tuple[tuple[str, str], bool]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(scaler_module, "PATIENCE", 0.01)
    looking = await asyncio.to_thread(scaler, TwoBrokers(Hanging()))
    await looking.tick()
    assert sorted(looked_at) == [(OTHER, True), (KEY, False)]
    assert "queue figures cannot be read: no answer within" in caplog.text


async def test_a_broker_that_comes_and_goes_is_followed(looked_at: list[tuple[tuple[str, str], bool]]) -> None:
    brokers = TwoBrokers(Answering())
    looking = await asyncio.to_thread(scaler, brokers)
    used: list[Any] = [brokers.first]
    brokers.first.users, brokers.second.users = (KEY,), (OTHER,)
    brokers.vhosts = lambda: tuple(used)  # type: ignore[method-assign]
    running = asyncio.create_task(looking.run())
    async with asyncio.timeout(10):
        while (KEY, True) not in looked_at:
            await asyncio.sleep(0)
        used.append(brokers.second)
        while (OTHER, True) not in looked_at:
            await asyncio.sleep(0)
        del used[0]
        brokers.first.users = ()
        looked_at.clear()
        while looked_at.count((OTHER, True)) < 5:
            await asyncio.sleep(0)
    assert (KEY, True) not in looked_at
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_a_broker_that_answers_again_has_its_failing_routes_tried_at_once(
    looked_at: list[tuple[tuple[str, str], bool]],
) -> None:
    brokers, touched = TwoBrokers(Answering(BrokerError("no"))), list[Any]()
    world = World(raw_route())
    looking = scaler(brokers, touched, world)
    state = looking._states[KEY]
    state.schedule.failures = 5
    asyncio.run(looking.tick())
    assert touched == []
    brokers.first.failure = None
    world.at += 2.0
    asyncio.run(looking.tick())
    assert touched == [KEY]
    assert state.schedule.failures == 0
    assert looked_at
