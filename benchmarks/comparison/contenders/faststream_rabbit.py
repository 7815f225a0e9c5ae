"""FastStream, with aiohttp and uvloop, without its validation of arguments and its logging of each message."""

import os
from typing import Any

import uvloop
from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue

from benchmarks.comparison.contenders.series_aiohttp import SLOTS, carry, session

broker = RabbitBroker(
    os.environ["BENCH_AMQP"], default_channel=Channel(prefetch_count=SLOTS), apply_types=False, logger=None
)
app = FastStream(broker, logger=None)
sessions: list[Any] = []


@app.on_startup
async def begin() -> None:
    """One session for all."""
    sessions.append(session())


@broker.subscriber(
    RabbitQueue(os.environ["BENCH_QUEUE"], declare=False), ack_policy=AckPolicy.NACK_ON_ERROR, no_reply=True
)
async def carry_order(message: list[Any]) -> None:
    """The three calls."""
    order = message[1]["order"]
    await carry(sessions[0], order["id"], order["merchant"], order)


if __name__ == "__main__":
    uvloop.run(app.run())
