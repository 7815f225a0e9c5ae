"""Dramatiq under gevent, with geventhttpclient. Its middleware is what retries; time limits and the like are left out.

`dramatiq-gevent` patches before it imports this. Its queue, acks after the work, and confirms are its own.
"""

import os
from typing import Any

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.middleware import Retries

from benchmarks.comparison.contenders.series_gevent import carry

broker = RabbitmqBroker(url=os.environ["BENCH_AMQP"], confirm_delivery=True, middleware=[Retries(max_retries=8)])
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name=os.environ["BENCH_QUEUE"])
def carry_order(order: dict[str, Any]) -> None:
    """The three calls."""
    carry(order["id"], order["merchant"], order)
