"""Counts what a queue holds at this moment, over AMQP: what its leader answers, and no statistics.

A passive declaration alone proves nothing. Where a quorum queue's leader does not answer within 250 ms the broker
answers 0 ready and 0 consumers in its place [RabbitMQ 4.0.5]; and an order that a consumer holds is in neither. So the
operator consumes as well, for a moment: its own consumer must be among those counted, an order that was there comes to
it, and goes back. Whoever holds an order stays counted as a consumer, also after it has cancelled.
"""

from __future__ import annotations

from collections.abc import Collection

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage
from aiormq.exceptions import ChannelNotFoundEntity

from merchantroute_operator.rabbit.amqp import connection
from merchantroute_operator.rabbit.dialing.dialer import Dialer
from merchantroute_operator.rabbit.orders.non_utf8 import readable
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from merchantroute_operator.topology.objects import LiveCount


async def live_counts(address: BrokerAddress, dialer: Dialer, queues: Collection[str]) -> dict[str, LiveCount]:
    """See ``broker_port.Broker.live``."""
    if not queues:
        return {}
    readable()
    async with connection(address, dialer, "counts orders") as opened:
        counts = {name: await _count(opened, name) for name in sorted(queues)}
    return {name: count for name, count in counts.items() if count is not None}


async def _count(opened: AbstractConnection, name: str) -> LiveCount | None:
    """On a channel of its own, since the broker closes it over a queue that is gone, and its end returns orders."""
    taken: list[AbstractIncomingMessage] = []

    async def take(message: AbstractIncomingMessage) -> None:
        taken.append(message)

    channel = opened.channel()
    try:
        await channel.initialize()
        queue = await channel.declare_queue(name, passive=True)
        if ready := queue.declaration_result.message_count:
            return LiveCount(ready, queue.declaration_result.consumer_count or 0)
        await channel.set_qos(prefetch_count=1)
        tag = await queue.consume(take)
        consumers = (await channel.declare_queue(name, passive=True)).declaration_result.consumer_count or 0
        await queue.cancel(tag)
        # The leader answers this one itself, after whatever it has sent to the consumer.
        if (head := await queue.get(fail=False)) is not None:
            taken.append(head)
        if not taken and not consumers:
            return None
        return LiveCount(len(taken), max(0, consumers - 1))
    except ChannelNotFoundEntity:
        return None
    finally:
        for message in taken:
            await message.nack(requeue=True)
        await channel.close()
