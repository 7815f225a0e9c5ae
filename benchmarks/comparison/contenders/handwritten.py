"""aio-pika, aiohttp and uvloop by hand: what a good engineer writes in an afternoon for speed alone.

A late ack and a channel with confirms, and none of what keeps orders safe beyond that: no deadline, no cap, no retry.
"""

import asyncio
import json
import os

import aio_pika
import uvloop
from aio_pika.abc import AbstractIncomingMessage

from benchmarks.comparison.contenders.series_aiohttp import SLOTS, carry, session


async def main() -> None:
    """Consume until the process is ended."""
    connection = await aio_pika.connect(os.environ["BENCH_AMQP"])
    channel = await connection.channel(publisher_confirms=True)
    await channel.set_qos(prefetch_count=SLOTS)
    queue = await channel.get_queue(os.environ["BENCH_QUEUE"], ensure=False)
    async with session() as http:

        async def take(message: AbstractIncomingMessage) -> None:
            order = json.loads(message.body)[1]["order"]
            await carry(http, order["id"], order["merchant"], order)
            await message.ack()

        await queue.consume(take)
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
