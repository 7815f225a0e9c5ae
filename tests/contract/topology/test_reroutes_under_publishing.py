"""Every re-route that a route can ask for, made while producers publish: each order arrives once."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.spec.broker import BrokerAddress
from merchantroute_operator.spec.model import Route
from merchantroute_operator.topology.plan import conflicts, door, retire, skeleton, tear_down, unfed, wiring
from merchantroute_operator.topology.types import Topology
from tests.harness.vhosts import Vhost
from tests.unit.operator.rerouting import DOOR, MERCHANTS, UNLISTED, a_random_route, wanted_by
from tests.unit.operator.routes import OWNER
from tests.unit.operator.routing import arrives

CHANGES = 40
PUBLISHERS = 3
MERCHANT_IDS = (*MERCHANTS, UNLISTED)
SUSPECT = f"{DOOR}.suspect"


@pytest.fixture
async def rabbit(vhost: Vhost) -> AsyncIterator[RabbitBroker]:
    broker = RabbitBroker(
        BrokerAddress(
            host=vhost.host,
            port=vhost.port,
            username=vhost.username,
            password=vhost.password,
            vhost=vhost.name,
            management_uri=f"http://{vhost.mgmt_url.split('@')[-1]}",
        )
    )
    yield broker
    await broker.close()


@pytest.fixture
async def channel(vhost: Vhost) -> AsyncIterator[AbstractChannel]:
    connection = await aio_pika.connect(vhost.amqp_url)
    async with connection, connection.channel(on_return_raises=True) as opened:
        yield opened


async def change_to(rabbit: RabbitBroker, route: Route) -> Topology:
    """One pass as the operator makes it; queues that are not wanted any more still hold orders, and stay."""
    wanted = wanted_by(route)
    observed = await rabbit.observe(DOOR)
    assert conflicts(wanted, observed, OWNER) == ()
    for part in (skeleton, wiring, door):
        await rabbit.run(part(wanted, observed))
        observed = await rabbit.observe(DOOR)
    await rabbit.run(retire(wanted, observed, ()))
    return await rabbit.observe(DOOR)


async def publish_until(stop: asyncio.Event, channel: AbstractChannel, prefix: str, to: str = DOOR) -> set[bytes]:
    """Publish, mandatory and confirmed, one after the other; the orders that were confirmed."""
    exchange = await channel.get_exchange(to, ensure=False)
    sent: set[bytes] = set()
    dice = random.Random(prefix)
    for number in itertools.count():
        if stop.is_set():
            return sent
        body = f"{prefix}-{number}".encode()
        await exchange.publish(aio_pika.Message(body), routing_key=dice.choice(MERCHANT_IDS), mandatory=True)
        sent.add(body)
    raise AssertionError


async def take_all(channel: AbstractChannel, queues: list[str]) -> Counter[bytes]:
    """Every order in the queues, with the number of its copies."""
    found: Counter[bytes] = Counter()
    for name in queues:
        queue = await channel.get_queue(name, ensure=False)
        while (message := await queue.get(fail=False)) is not None:
            await message.ack()
            found[message.body] += 1
    return found


async def test_forty_changes_of_everything_lose_and_copy_no_order(
    rabbit: RabbitBroker, channel: AbstractChannel
) -> None:
    dice = random.Random(11)
    observed = await change_to(rabbit, a_random_route(dice))
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        publishers = [
            group.create_task(publish_until(stop, channel, f"producer-{number}")) for number in range(PUBLISHERS)
        ]
        suspecting = group.create_task(publish_until(stop, channel, "worker", SUSPECT))
        for _ in range(CHANGES):
            observed = await change_to(rabbit, a_random_route(dice))
        stop.set()
    sent = set[bytes]().union(*(publisher.result() for publisher in publishers))
    found = await take_all(channel, [name for name in observed.queues if name.endswith(".stable")])
    assert len(sent) > CHANGES  # there was something to lose at each change
    assert found.keys() == sent
    assert set(found.values()) == {1}
    suspects = await take_all(channel, [SUSPECT])
    assert suspects.keys() == suspecting.result()
    assert set(suspects.values()) == {1}


async def test_the_broker_routes_as_the_unit_tests_model_says(rabbit: RabbitBroker, channel: AbstractChannel) -> None:
    dice = random.Random(5)
    observed = await change_to(rabbit, a_random_route(dice))
    for _ in range(6):
        route = a_random_route(dice)
        wanted = wanted_by(route)
        observed = await change_to(rabbit, route)
        for _ in range(3):  # everything is empty: a lane goes, then its ladder, then its exchanges
            await rabbit.run(retire(wanted, observed, unfed(wanted, observed)))
            observed = await rabbit.observe(DOOR)
        assert observed == wanted
        exchange = await channel.get_exchange(DOOR, ensure=False)
        for merchant in MERCHANT_IDS:
            await exchange.publish(aio_pika.Message(b"order"), routing_key=merchant, mandatory=True)
            (lane,) = arrives(observed, DOOR, merchant)
            assert await take_all(channel, [lane]) == {b"order": 1}
        assert not await take_all(channel, list(observed.queues))
    await rabbit.run(tear_down(observed, owner=OWNER, keep_dead=False))
    gone = await rabbit.observe(DOOR)
    assert (gone.exchanges, gone.queues, gone.bindings) == ({}, {}, frozenset())
