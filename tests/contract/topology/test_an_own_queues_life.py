"""An own queue on the real broker by whole passes: opened once pods know it, closed, and gone once nobody needs it."""

import asyncio
import json

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_operator import naming
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.reconcile.scaler import Scaler
from merchantroute_operator.scaling.model import Pulse
from tests.contract.topology.stores import IN_EACH_STORE
from tests.contract.topology.test_what_others_break import DOOR, KEY, Place
from tests.unit.operator.pod_samples import a_pod

MERCHANT = "hut"
QUEUE = naming.own_queue(*KEY, MERCHANT)
LANE = f"{DOOR}.enterprise.stable"
TIME = 120  # seconds for what takes some reports of a queue


class Life(Place):
    """A place with one pod of the merchant's tier, and a scaler that ticks."""

    async def begin(self) -> None:
        """The route stands, and its pod is there."""
        ctx = self.reconciler._ctx
        self.scaler = Scaler(
            ctx, self.reconciler.states, touch=self.reconciler.touch, update_status=self.reconciler.queue.add, tick=2.0
        )
        await self.look()
        self.kube.objects["Pod", "pod-1"] = a_pod("pod-1", tier="enterprise")
        await self.look()

    def files(self) -> dict[str, str]:
        """The configuration as it is stored."""
        found: dict[str, str] = self.kube.objects["ConfigMap", naming.config_map("pos", "")]["data"]
        return found

    def generation(self) -> int:
        """That of the configuration as it is stored."""
        return int(json.loads(self.files()["index.json"])["generation"])

    async def turn(self) -> None:
        """The pod has loaded what there is and says so; the scaler ticks; a pass is made."""
        ctx, generation = self.reconciler._ctx, self.generation()
        at = ctx.monotonic()
        told = Pulse("pod-1", *KEY, "enterprise", "stable", 0, at, generation, 0, 0.0, 0, 0, 0, slots=20, fair_share=20)
        ctx.pulses.put(told)
        await self.scaler.tick()
        await self.look()

    async def isolation(self, **section: object) -> None:
        """Another section of the spec, and a pass that reads it."""
        assert self.kube.stored is not None
        self.kube.stored["spec"]["isolation"] = section
        await self.look()


@pytest.fixture
async def life(rabbit: RabbitBroker) -> Life:
    made = Life(rabbit, spec={"isolation": {"pinned": [MERCHANT]}})
    await made.begin()
    return made


async def publish(channel: AbstractChannel, body: bytes) -> None:
    door = await channel.get_exchange(DOOR, ensure=False)
    await door.publish(aio_pika.Message(body), routing_key=MERCHANT, mandatory=True)


@IN_EACH_STORE
async def test_from_the_decision_to_the_deletion(life: Life, channel: AbstractChannel) -> None:
    await life.turn()
    queue = await channel.get_queue(QUEUE)
    await publish(channel, b"before")
    await life.turn()
    await life.turn()
    await publish(channel, b"within")
    lane = await channel.get_queue(LANE)
    first, second = await lane.get(), await queue.get()
    assert first is not None
    assert second is not None
    assert (first.body, second.body) == (b"before", b"within")
    await first.ack()
    await second.nack(requeue=True)

    got: asyncio.Queue[bytes] = asyncio.Queue()

    async def work(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        got.put_nowait(message.body)
        await message.ack()

    await life.isolation(mode="Off")
    await life.turn()
    await publish(channel, b"after")
    third = await lane.get()
    assert third is not None
    assert third.body == b"after"
    await third.ack()
    for _ in range(4):
        await life.turn()
    assert QUEUE in (await life.rabbit.observe(DOOR)).queues, "it holds an order"
    tag = await queue.consume(work)
    async with asyncio.timeout(TIME):
        assert await got.get() == b"within"
        while "own.json" in life.files():
            await life.turn()
    assert QUEUE in (await life.rabbit.observe(DOOR)).queues, "a pod consumes it"
    await queue.cancel(tag)
    async with asyncio.timeout(TIME):
        while QUEUE in (await life.rabbit.observe(DOOR)).queues:
            await life.turn()
    assert "ownQueues" not in life.kube.status
    await publish(channel, b"last")
    assert (await lane.get()).body == b"last"


async def test_a_vhost_that_takes_no_more_queues_isolates_nobody_and_carries_the_route(
    life: Life, vhost: Vhost, channel: AbstractChannel
) -> None:
    vhost.api("PUT", f"vhost-limits/{vhost.name}/max-queues", {"value": len((await life.rabbit.observe(DOOR)).queues)})
    for _ in range(3):
        await life.turn()

    conditions = {each["type"]: each for each in life.kube.status["conditions"]}
    assert conditions["QueuesReady"]["status"] == "True"
    assert conditions["Isolating"]["reason"] == "OwnQueuesRefused"
    assert "limit" in conditions["Isolating"]["message"]
    await publish(channel, b"order")
    lane = await channel.get_queue(LANE)
    assert (await lane.get()).body == b"order"

    vhost.api("DELETE", f"vhost-limits/{vhost.name}/max-queues")
    for _ in range(3):
        await life.turn()
    assert QUEUE in {binding.target for binding in (await life.rabbit.observe(DOOR)).bindings}
