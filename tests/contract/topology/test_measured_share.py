"""A split that others changed on a real broker: by its bindings, or so that only the measured share tells."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest
from aio_pika.abc import AbstractChannel

from merchantroute_operator.canary.share import PERIOD
from merchantroute_operator.naming import FINALIZER
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.reconcile.reconciler import Reconciler
from merchantroute_operator.reconcile.scaler import Scaler
from merchantroute_operator.reconcile.state.broker_pool import BrokerPool
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.pulse_board import PulseBoard
from merchantroute_operator.reconcile.state.split_watch import SplitWatch
from merchantroute_operator.topology.objects import Bind, Binding, Op, Unbind
from tests.contract.topology.test_canary_under_publishing import drain, publish
from tests.unit.operator.fake_ports import MemoryKube, OneBroker
from tests.unit.operator.rerouting import DOOR
from tests.unit.operator.route_samples import CLUSTER, raw_route

KEY = ("orders", "pos")
TIER = f"{DOOR}.standard"
STABLE, CANARY, SPLIT = f"{TIER}.stable", f"{TIER}.canary", f"{TIER}.split.a"
SHARE = Binding(SPLIT, CANARY, "queue", key="50")
ORDERS = [f"order-{number}" for number in range(2_000)]
BOUND = 90.0  # seconds; the broker counts every 5
BETWEEN = 0.5  # seconds from one tick to the next: each asks the broker


@dataclass
class Place:
    """A route with a canary at 50 % on a real broker, its operator, and an API server in memory."""

    rabbit: RabbitBroker
    kube: MemoryKube
    reconciler: Reconciler
    scaler: Scaler

    async def look(self) -> list[str]:
        """One pass; what it says that it repaired."""
        self.kube.events.clear()
        self.reconciler.touch(KEY)
        await self.reconciler.reconcile(KEY)
        return [event for event in self.kube.events if event.startswith("Warning Repaired: ")]

    async def somebody(self, *ops: Op) -> None:
        await self.rabbit.run(tuple((op,) for op in ops))

    async def tick_until(self, told: Callable[[], Any], what: str) -> None:
        end = time.monotonic() + BOUND
        while not told():
            assert time.monotonic() < end, what
            await self.scaler.tick()
            await asyncio.sleep(BETWEEN)


@pytest.fixture
async def place(rabbit: RabbitBroker) -> Place:
    raw = raw_route(tiers=[{"name": "standard", "canary": {"weight": 50}}])
    raw["metadata"]["finalizers"] = [FINALIZER]
    kube = MemoryKube([], raw)
    brokers = cast(BrokerPool, OneBroker(rabbit))
    board = PulseBoard(time.monotonic)
    ctx = Context(kube, brokers, board, CLUSTER, 60.0, time.monotonic, time.time)
    reconciler = Reconciler(ctx)
    scaler = Scaler(ctx, reconciler.states, touch=reconciler.touch, update_status=reconciler.queue.add, tick=2.0)
    made = Place(rabbit, kube, reconciler, scaler)
    await made.look()
    for (kind, _), body in kube.objects.items():
        if kind == "Deployment":
            body["status"] = {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1}
    await made.look()
    assert SHARE in (await rabbit.observe(DOOR)).bindings
    return made


@pytest.mark.parametrize(
    ("ops", "words"),
    [
        ([Unbind(SHARE)], "split a had stable 50"),
        ([Unbind(SHARE), Bind(Binding(SPLIT, CANARY, "queue", key="20"))], "split a had canary 20, stable 50"),
        (
            [Bind(Binding(SPLIT, f"{DOOR}.dead", "queue", key="30"))],
            f"split a had canary 50, {DOOR}.dead 30, stable 50",
        ),
        ([Unbind(Binding(TIER, SPLIT, "exchange"))], "no split had the tier's orders"),
    ],
)
async def test_bindings_that_somebody_changed_are_repaired_within_a_pass_and_told(
    place: Place, channel: AbstractChannel, ops: list[Op], words: str
) -> None:
    await publish(channel, ORDERS)
    before = (await drain(channel, CANARY)).keys()
    await drain(channel, STABLE)
    await place.somebody(*ops)
    assert [told for told in await place.look() if f"standard: {words}: its split is built anew" in told]
    await publish(channel, ORDERS)
    assert (await drain(channel, CANARY)).keys() == before
    assert (await drain(channel, STABLE)).total() == len(ORDERS) - len(before)
    assert await place.look() == []


def is_begun(parting: SplitWatch) -> bool:
    """Whether what is published now counts whole."""
    found = parting.measures.get("standard")
    return found is not None and found.first[-1].at - found.first[0].at >= PERIOD


async def test_a_share_that_is_off_behind_bindings_that_look_right_is_noticed_and_repaired(
    place: Place, channel: AbstractChannel
) -> None:
    """Binding a queue a second time and taking that away again leaves it bound, and without a share."""
    again = Binding(SPLIT, CANARY, "queue", key="20")
    whole = await place.rabbit.observe(DOOR)
    await place.somebody(Bind(again), Unbind(again))
    assert await place.rabbit.observe(DOOR) == whole
    assert await place.look() == []
    state = place.reconciler.states[KEY]
    await place.tick_until(lambda: is_begun(state.split_watch), "the first period is over")
    await publish(channel, ORDERS)
    await place.tick_until(lambda: state.split_watch.shunned, "the share is measured")
    (told,) = await place.look()
    # How many of them the broker had counted by then is its affair: enough to judge by.
    assert re.search(r"standard: the canary got 0\.0 % of [\d,]+ orders, not 50 %: its split is built anew", told)
    await drain(channel, CANARY)
    await drain(channel, STABLE)
    await publish(channel, ORDERS)
    canary = await drain(channel, CANARY)
    assert 900 < canary.total() < 1_100
    assert not state.split_watch.shunned
    assert await place.look() == []
