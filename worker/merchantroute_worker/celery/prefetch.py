"""Changes the prefetch count of a running consumer.

`basic.qos` has no effect on a consumer that is already registered; cancelled and registered again under its old tag it
keeps its old count of unacked messages for ever. Under a new tag the new count applies, and no message is delivered
twice. Messages on their way from a quorum queue to the channel of a cancelled consumer are returned inside the broker
(RabbitMQ 4.0.5, `rabbit_fifo_client:handle_delivery`): they arrive marked as redelivered, though no client had them
before. All of it must happen in the thread that reads the connection: from any other the consumer silently stops.
"""

import logging
from typing import Any

log = logging.getLogger(__name__)


def set_prefetch(consumer: Any, slots: int) -> None:
    """Set the prefetch count and the pool's size to `slots`. `consumer` is a LeanConsumer."""
    consumer.initial_prefetch_count = slots
    if consumer.task_consumer is None or consumer.qos is None or consumer.qos.value == slots:
        return
    if not consumer.deliveries.resize(slots):
        log.warning("%s slots are wanted: this pool has another number until its pods are replaced", slots)
        return
    before = consumer.qos.value
    # Set directly, because Celery would send basic.qos for the old consumer by itself.
    consumer.qos.value = consumer.qos.prev = slots
    consumer.task_consumer.cancel()
    consumer.task_consumer.channel.basic_qos(0, slots, False)
    consumer.task_consumer.consume()
    log.info("slots: %s instead of %s", slots, before)
