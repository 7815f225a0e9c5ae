"""Queues that a route no longer wants go on a real broker, and never an order with one, however old statistics are."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from merchantroute_kit.servers.rabbitmq import USER, own_broker
from merchantroute_kit.servers.vhosts import Vhost, fresh_vhost
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.topology.objects import QueueTick
from tests.contract.rabbit.chains import address_of, until
from tests.contract.topology.publishing import take_all
from tests.contract.topology.test_what_others_break import DOOR, Place
from tests.harness.dialing import loopback
from tests.unit.operator.operator_under_test import with_finalizer
from tests.unit.operator.route_samples import raw_route

SLOW = "-rabbit collect_statistics_interval 15000 -rabbit quorum_tick_interval 15000"
BETWEEN = 0.5  # seconds from one pass to the next
LANE, RUNG = f"{DOOR}.standard.stable", f"{DOOR}.standard.retry.21600000"


@pytest.fixture(scope="module")
def slow_vhost() -> Iterator[Vhost]:
    with own_broker(SLOW) as broker, fresh_vhost(broker.amqp_url, broker.mgmt_url, USER) as vhost:
        yield vhost


@pytest.fixture
async def slow(slow_vhost: Vhost) -> AsyncIterator[RabbitBroker]:
    broker = RabbitBroker(address_of(slow_vhost), loopback())
    yield broker
    await broker.close()


async def send(channel: AbstractChannel, exchange: str, body: bytes, rung: str = "", to: str = "hut") -> None:
    target = await channel.get_exchange(exchange, ensure=False)
    await target.publish(aio_pika.Message(body, headers={"mr-rung": rung} if rung else {}), to, mandatory=True)


def are_empty(found: Mapping[str, QueueTick]) -> bool:
    return all(tick.messages == 0 for tick in found.values())


async def test_a_drain_waits_for_orders_that_statistics_do_not_count_for_long(
    slow: RabbitBroker, slow_vhost: Vhost
) -> None:
    place = Place(slow)
    await place.look()
    connection = await aio_pika.connect(slow_vhost.amqp_url)
    async with connection, connection.channel(on_return_raises=True) as channel:
        await until(lambda: slow.ticks((LANE, RUNG)), are_empty, 120)
        held: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await (await channel.get_queue(LANE)).consume(held.put)
        await send(channel, f"{DOOR}.router", b"under way", to="unlisted")
        order = await asyncio.wait_for(held.get(), 60)
        await send(channel, f"{DOOR}.standard.retry", b"again later", "21600000")
        assert place.kube.stored is not None
        place.kube.stored["spec"]["deletion"] = {"policy": "Drain", "timeout": "24h"}
        place.kube.stored["metadata"]["deletionTimestamp"] = "2027-01-15T08:00:00Z"

        passes, blind = 0, 0
        async with asyncio.timeout(300):
            while not all(tick.messages for tick in (await slow.ticks((LANE, RUNG))).values()):
                await place.look()  # on a clock that is ahead of the broker's
                passes += 1
                blind += are_empty(await slow.ticks((LANE, RUNG)))
                assert (await slow.observe(DOOR)).queues.keys() >= {LANE, RUNG}
                await asyncio.sleep(BETWEEN)

        assert blind > 10, passes
        assert place.kube.stored["metadata"]["finalizers"]
        assert await take_all(channel, [RUNG]) == {b"again later": 1}
        await order.ack()


async def test_a_tier_that_goes_takes_no_order_along(rabbit: RabbitBroker, channel: AbstractChannel) -> None:
    place = Place(rabbit)
    await place.look()
    for number in range(50):
        await send(channel, f"{DOOR}.enterprise", f"o-{number}".encode())
    changed = with_finalizer(raw_route(tiers=("standard",), merchants={"hut": "standard"}))
    for body in place.kube.objects.values():
        body.get("spec", {})["replicas"] = 0
    place.kube.stored = changed

    async def left() -> set[str]:
        await place.look()
        return {name for name in (await rabbit.observe(DOOR)).queues if name.startswith(f"{DOOR}.enterprise.")}

    await until(left, lambda found: not found, 240, every=BETWEEN)

    found = await take_all(channel, [LANE])
    assert found.keys() == {f"o-{number}".encode() for number in range(50)}
    assert set(found.values()) == {1}
