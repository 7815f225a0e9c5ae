"""A broker whose statistics are a quarter of a minute old: no queue is taken for empty that holds an order.

The orders come at the worst moment: just after a report that says the queue is empty, which is the newest for long.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from merchantroute_kit.servers.rabbitmq import USER, own_broker
from merchantroute_kit.servers.vhosts import Vhost, fresh_vhost
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.topology import arguments
from merchantroute_operator.topology.drained import QUIET, EmptyWatch
from merchantroute_operator.topology.objects import Bind, Binding, Declare, LiveCount, Plan, Queue, QueueTick, Unbind
from tests.contract.rabbit.chains import ME, ROUTE, address_of, exchange, queue, until
from tests.harness.dialing import loopback

SLOW = "-rabbit collect_statistics_interval 15000 -rabbit quorum_tick_interval 15000"
LANE, LATE, RUNG = f"{ROUTE}.tier.stable", f"{ROUTE}.tier.canary", f"{ROUTE}.tier.retry.120000"
QUEUES = (LANE, LATE, RUNG)


@pytest.fixture(scope="module")
def slow_vhost() -> Iterator[Vhost]:
    with own_broker(SLOW) as broker, fresh_vhost(broker.amqp_url, broker.mgmt_url, USER) as vhost:
        yield vhost


@dataclass
class Seen:
    """What was read until a report counted every order, and which queues were taken for drained meanwhile."""

    blind: int = 0  # readings by which every queue was empty although each held an order
    drained: set[str] = field(default_factory=set)
    live: dict[str, LiveCount] = field(default_factory=dict)


def topology() -> Plan:
    rung = Declare(Queue(RUNG, arguments.rung(ME, f"{ROUTE}.router", 120_000)))
    return (
        (exchange(ROUTE), queue(LANE), queue(LATE), rung),
        tuple(Bind(Binding(ROUTE, name, "queue")) for name in QUEUES),
    )


def is_empty(found: Mapping[str, QueueTick]) -> bool:
    return all(tick.messages == 0 for tick in found.values())


async def tell(vhost: Vhost) -> Seen:
    address, seen = address_of(vhost), Seen()
    rabbit = RabbitBroker(address, loopback())
    connection = await aio_pika.connect(
        host=address.host, port=address.port, login=address.username, password=address.password, virtualhost=vhost.name
    )
    async with connection, connection.channel() as channel:
        await rabbit.run(topology())
        ticks = await until(lambda: rabbit.ticks(QUEUES), is_empty, 90)
        held: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await (await channel.get_queue(LANE)).consume(held.put)
        await (await channel.get_exchange(ROUTE)).publish(aio_pika.Message(b"order"), "hut")
        await held.get()
        await (await channel.get_queue(LATE)).purge()
        await rabbit.run((tuple(Unbind(Binding(ROUTE, name, "queue")) for name in QUEUES),))
        watch, now = EmptyWatch(), 0.0
        watch, _ = watch.observe(now, ticks, QUEUES)
        # As by a node that routes by the bindings of a moment ago.
        await channel.default_exchange.publish(aio_pika.Message(b"order"), LATE)
        seen.live = dict(await rabbit.live(QUEUES))
        while not all(tick.messages for tick in ticks.values()):
            now += QUIET
            ticks = await rabbit.ticks(QUEUES)
            watch, drained = watch.observe(now, ticks, QUEUES)
            seen.drained |= drained
            seen.blind += is_empty(ticks)
            await asyncio.sleep(0.25)
    await rabbit.close()
    return seen


@pytest.fixture(scope="module")
def seen(slow_vhost: Vhost) -> Seen:
    return asyncio.run(asyncio.wait_for(tell(slow_vhost), 240))


def test_statistics_say_for_long_that_queues_with_orders_are_empty(seen: Seen) -> None:
    assert seen.blind > 8


def test_none_of_them_is_taken_for_drained(seen: Seen) -> None:
    assert seen.drained == set()


def test_their_leaders_say_at_once_what_is_ready_and_who_holds_the_rest(seen: Seen) -> None:
    assert seen.live == {
        LANE: LiveCount(ready=0, consumers=1),
        LATE: LiveCount(ready=1, consumers=0),
        RUNG: LiveCount(ready=1, consumers=0),
    }
