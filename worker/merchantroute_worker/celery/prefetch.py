"""Another number of slots for a consumer that runs.

`basic.qos` does nothing to a consumer that is registered already; cancelled and registered again under its old tag it
keeps its old count of unacked messages for ever. Under a new tag the new number holds, and no message is handed out
twice. What is between a quorum queue and the channel of a cancelled consumer is returned within the broker (RabbitMQ
4.0.5, `rabbit_fifo_client:handle_delivery`): it comes marked as redelivered, though no client had it before. All of it
must happen where the connection is read: from anywhere else the consumer silently stops.
"""

import logging
from typing import Any

log = logging.getLogger(__name__)


def set_prefetch(consumer: Any, slots: int) -> None:
    """Let the broker hand out so many messages at once, and the pool run them. `consumer` is a LeanConsumer."""
    consumer.initial_prefetch_count = slots
    if consumer.task_consumer is None or consumer.qos is None or consumer.qos.value == slots:
        return
    if not consumer.deliveries.executor.resize(slots):
        log.warning("%s slots are wanted: this pool has another number until its pods are replaced", slots)
        return
    before = consumer.qos.value
    # Set by hand: Celery would send basic.qos for the old consumer by itself.
    consumer.qos.value = consumer.qos.prev = slots
    consumer.task_consumer.cancel()
    consumer.task_consumer.channel.basic_qos(0, slots, False)
    consumer.task_consumer.consume()
    log.info("slots: %s instead of %s", slots, before)
