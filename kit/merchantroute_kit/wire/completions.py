"""A subscription to completion records: every pod publishes one per finished order to a fanout exchange.

The queue must exist before the first order is published, since a fanout without a queue forgets.
"""

import json
from collections.abc import Awaitable, Callable

from aio_pika import ExchangeType
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from merchantroute_kit.accounting.ledger import Completion

_FORGET_AFTER = 1_800_000  # ms: a queue whose demo was killed removes itself


async def listen(
    connection: AbstractConnection, exchange: str, run: str, take: Callable[[Completion], None]
) -> Callable[[], Awaitable[None]]:
    """Hand each completion of this run to `take`. Returns what removes the queue again.

    The queue belongs to the run, not to the connection: a reconnect finds the records that came meanwhile, and a
    record that is heard twice is equal to itself.
    """
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=1000)
    source = await channel.declare_exchange(exchange, ExchangeType.FANOUT, durable=True)
    queue = await channel.declare_queue(f"{exchange}.{run}", durable=True, arguments={"x-expires": _FORGET_AFTER})
    await queue.bind(source)

    async def heard(message: AbstractIncomingMessage) -> None:
        completion = parse(message.body)
        if completion is not None and completion.order.startswith(f"{run}-"):
            take(completion)
        await message.ack()

    tag = await queue.consume(heard)

    async def forget() -> None:
        await queue.cancel(tag)
        await queue.delete(if_unused=False, if_empty=False)

    return forget


def parse(body: bytes) -> Completion | None:
    """A completion record (schema/completion.json), or None if it is something else."""
    try:
        record = json.loads(body)
        return Completion(
            order=record["order"],
            pod=record["pod"],
            finished_at=record["finishedAt"],
            seconds=record["seconds"],
            attempts=record["attempts"],
            redelivered=record["redelivered"],
            tier=record["tier"],
            merchant=record["merchant"],
        )
    except (ValueError, KeyError, TypeError):
        return None
