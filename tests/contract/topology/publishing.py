"""Passes over the real topology, and producers that publish meanwhile."""

import asyncio
import itertools
import random
from collections import Counter

import aio_pika
from aio_pika.abc import AbstractChannel

from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.spec.route import Route
from merchantroute_operator.topology.objects import Topology
from merchantroute_operator.topology.plans.changes import conflicts, open_front_door, retire, skeleton, wiring
from tests.unit.operator.rerouting import DOOR, MERCHANTS, UNLISTED, wanted_by
from tests.unit.operator.route_samples import OWNER

MERCHANT_IDS = (*MERCHANTS, UNLISTED)


async def change_to(rabbit: RabbitBroker, route: Route) -> Topology:
    """One pass as the operator makes it; queues that are not wanted any more still hold orders, and stay."""
    observed = await rabbit.observe(DOOR)
    wanted = wanted_by(route, observed)
    assert conflicts(wanted, observed, OWNER) == ()
    for part in (skeleton, wiring, open_front_door):
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
        order = aio_pika.Message(body, correlation_id=body.decode())
        await exchange.publish(order, routing_key=dice.choice(MERCHANT_IDS), mandatory=True)
        sent.add(body)
    raise AssertionError


async def publish_some(channel: AbstractChannel, count: int, prefix: str = "order") -> set[bytes]:
    """Publish so many orders, mandatory and confirmed, through the front door."""
    exchange = await channel.get_exchange(DOOR, ensure=False)
    sent = {f"{prefix}-{number}".encode() for number in range(count)}
    for body in sent:
        order = aio_pika.Message(body, correlation_id=body.decode())
        await exchange.publish(order, routing_key=MERCHANT_IDS[0], mandatory=True)
    return sent


async def take_all(channel: AbstractChannel, queues: list[str]) -> Counter[bytes]:
    """Every order in the queues, with the number of its copies."""
    found: Counter[bytes] = Counter()
    for name in queues:
        queue = await channel.get_queue(name, ensure=False)
        while (message := await queue.get(fail=False)) is not None:
            await message.ack()
            found[message.body] += 1
    return found
