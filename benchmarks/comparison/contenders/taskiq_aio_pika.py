"""Taskiq on aio-pika, with aiohttp and uvloop, which it takes by itself where it is installed."""

import os
from typing import Any

from taskiq import TaskiqEvents, TaskiqState
from taskiq_aio_pika import AioPikaBroker, Queue

from benchmarks.comparison.contenders.series_aiohttp import SLOTS, carry, session

broker = AioPikaBroker(os.environ["BENCH_AMQP"], qos=SLOTS).with_queues(
    Queue(name=os.environ["BENCH_QUEUE"], declare=False)
)


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def begin(state: TaskiqState) -> None:
    """One session for all."""
    state.http = session()


@broker.task("merchantroute.order")
async def carry_order(order: dict[str, Any]) -> None:
    """The three calls."""
    await carry(broker.state.http, order["id"], order["merchant"], order)
