"""What somebody deletes or alters on a real broker is back after one pass, and told; orders go where they did."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any, cast

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_operator.naming import FINALIZER
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.reconcile.reconciler import Reconciler
from merchantroute_operator.reconcile.state.broker_pool import BrokerPool
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.pulse_board import PulseBoard
from merchantroute_operator.topology.objects import OWNER as OWNER_ARGUMENT
from merchantroute_operator.topology.objects import Bind, Binding, Declare, Delete, Exchange, Op, Topology, Unbind
from tests.contract.topology.stores import IN_EACH_STORE
from tests.unit.operator.fake_ports import MemoryKube, OneBroker
from tests.unit.operator.route_samples import CLUSTER, OWNER, raw_route

KEY = ("orders", "pos")
DOOR = "mr.orders.pos"
ALTERED = Exchange(f"{DOOR}.enterprise", "direct", {OWNER_ARGUMENT: OWNER})


@dataclass
class Place:
    """One route on a real broker, its operator, and an API server in memory."""

    rabbit: RabbitBroker
    cluster: str = CLUSTER
    clock: itertools.count[int] = field(default_factory=lambda: itertools.count(100))
    spec: dict[str, Any] = field(default_factory=dict)  # replaces fields of the route's

    def __post_init__(self) -> None:
        raw = raw_route(merchants={"hut": "enterprise"}, **self.spec)
        raw["metadata"]["finalizers"] = [FINALIZER]
        self.kube = MemoryKube([], raw)
        brokers = cast(BrokerPool, OneBroker(self.rabbit))
        board = PulseBoard(lambda: 0.0)
        wall = 1_800_000_000.0
        self.reconciler = Reconciler(
            Context(self.kube, brokers, board, self.cluster, 60.0, lambda: float(next(self.clock)), lambda: wall)
        )

    async def look(self) -> str:
        """One pass; what it says that it repaired."""
        self.kube.events.clear()
        self.reconciler.touch(KEY)
        await self.reconciler.reconcile(KEY)
        told = [event for event in self.kube.events if event.startswith("Warning Repaired: ")]
        return told[0].removeprefix("Warning Repaired: ") if told else ""

    async def breaks(self, *ops: Op) -> Topology:
        """Somebody does this; what was there before."""
        before = await self.rabbit.observe(DOOR)
        await self.rabbit.run(tuple((op,) for op in ops))
        return before


@pytest.fixture
async def place(rabbit: RabbitBroker) -> Place:
    made = Place(rabbit)
    await made.look()
    await made.look()
    return made


async def arrives(channel: AbstractChannel, merchant: str) -> str:
    """The one queue to which an order of the merchant goes."""
    door = await channel.get_exchange(DOOR, ensure=False)
    await door.publish(aio_pika.Message(b"order"), routing_key=merchant, mandatory=True)
    found = []
    for tier in ("enterprise", "standard"):
        queue = await channel.get_queue(f"{DOOR}.{tier}.stable", ensure=False)
        while (message := await queue.get(fail=False)) is not None:
            await message.ack()
            found.append(tier)
    (only,) = found
    return only


@pytest.mark.parametrize(
    ("ops", "words"),
    [
        ([Delete("queue", f"{DOOR}.enterprise.stable")], f"queue {DOOR}.enterprise.stable was deleted"),
        ([Delete("queue", f"{DOOR}.standard.retry.15000")], f"queue {DOOR}.standard.retry.15000 was deleted"),
        ([Delete("exchange", f"{DOOR}.router")], f"exchange {DOOR}.router was deleted"),
        ([Delete("exchange", DOOR)], f"exchange {DOOR} was deleted"),
        (
            [Unbind(Binding(f"{DOOR}.assigned", f"{DOOR}.enterprise", "exchange", key="hut"))],
            f"binding {DOOR}.assigned to {DOOR}.enterprise for hut was removed",
        ),
        ([Delete("exchange", ALTERED.name), Declare(ALTERED)], f"exchange {DOOR}.enterprise was altered"),
    ],
)
@IN_EACH_STORE
async def test_it_is_back_after_one_pass_and_told(
    place: Place, channel: AbstractChannel, ops: list[Op], words: str
) -> None:
    before = await place.breaks(*ops)
    assert words in await place.look()
    assert await place.rabbit.observe(DOOR) == before
    assert await place.look() == ""
    assert (await arrives(channel, "hut"), await arrives(channel, "unlisted")) == ("enterprise", "standard")


@pytest.mark.parametrize(
    "ours",
    [
        Binding(DOOR, f"{DOOR}.router", "exchange"),
        Binding(f"{DOOR}.assigned", f"{DOOR}.enterprise", "exchange", key="hut"),
        Binding(f"{DOOR}.default", f"{DOOR}.standard", "exchange"),
        Binding(f"{DOOR}.fallback", f"{DOOR}.standard", "exchange"),
        Binding(f"{DOOR}.enterprise.stable", f"{DOOR}.enterprise.stable", "queue"),
    ],
    ids=lambda ours: ours.source,
)
@IN_EACH_STORE
async def test_a_binding_that_differs_from_ours_only_in_arguments_stays(
    place: Place, channel: AbstractChannel, ours: Binding
) -> None:
    """With Khepri, before 4.2, a broker stops routing by ours once the other one is removed."""
    before = await place.breaks(Bind(ours._replace(rung='{"note": "of a team"}')))
    assert await place.look() == ""
    assert (await place.rabbit.observe(DOOR)).bindings > before.bindings
    assert (await arrives(channel, "hut"), await arrives(channel, "unlisted")) == ("enterprise", "standard")


@IN_EACH_STORE
async def test_a_broker_that_lost_everything_has_it_all_again_after_one_pass(
    place: Place, channel: AbstractChannel
) -> None:
    whole = await place.rabbit.observe(DOOR)
    await place.breaks(
        *(Delete("exchange", name) for name in whole.exchanges), *(Delete("queue", name) for name in whole.queues)
    )
    assert await place.look() == "the broker had lost everything of the route: made again"
    assert await place.rabbit.observe(DOOR) == whole
    assert await arrives(channel, "hut") == "enterprise"


@IN_EACH_STORE
async def test_a_virtual_host_that_was_recreated_has_it_all_again(place: Place, vhost: Vhost) -> None:
    whole = await place.rabbit.observe(DOOR)
    vhost.api("DELETE", f"vhosts/{vhost.name}")
    await place.look()
    ready = next(each for each in place.kube.status["conditions"] if each["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "VhostMissing")
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    vhost.api("PUT", f"vhosts/{vhost.name}", {"default_queue_type": "quorum"})
    vhost.api("PUT", f"permissions/{vhost.name}/{vhost.username}", everything)
    assert await place.look() == "the broker had lost everything of the route: made again"
    assert await place.rabbit.observe(DOOR) == whole
