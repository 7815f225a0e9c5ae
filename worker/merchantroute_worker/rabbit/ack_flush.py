"""Makes sure that a quorum queue has applied every ack of a channel before the channel closes.

RabbitMQ's channel buffers acks while the queue is behind with 32 of its commands (`quorum_commands_soft_limit`), for
which a busy disk is enough, and drops its buffer when it closes (`rabbit_fifo_client`): the broker would deliver again
what is done. It sends the buffer once the queue has caught up, or when the consumer of these messages is cancelled, and
tells nobody.
"""

from collections.abc import Callable
from typing import Any

BUFFERED_FROM = 32
"""Fewer acks after the cancel of their consumer are never buffered."""
LOWEST_PRIORITY = -1000
"""Other consumers come first while they have room for messages."""


def flush_acks(
    channel: Any, queue: str, on_delivery: Callable[[Any], None], on_cancel: Callable[[str], None] | None = None
) -> None:
    """Return once the queue has applied all acks that were written to the channel.

    `basic.consume` and `basic.cancel` are entries of the queue's log that the channel waits for: when they are
    answered, the acks sent before them are applied; the buffered ones follow, and the next two entries wait for them. A
    message that is delivered meanwhile is unacked, and the broker's again when the channel closes.
    """
    channel.basic_qos(0, 1, False)
    for tag in ("acks-sent", "acks-buffered"):
        arguments = {"x-priority": LOWEST_PRIORITY}
        channel.basic_consume(queue, tag, callback=on_delivery, arguments=arguments, on_cancel=on_cancel)
        channel.basic_cancel(tag)
