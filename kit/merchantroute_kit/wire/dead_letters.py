"""A watch on dead letters that takes none: they are evidence, and somebody may want to replay them.

One consumer with a large prefetch never acks; when its channel closes, the broker puts everything back. The dead
queue has no delivery limit, so that looking does not delete. While it is open its messages show as unacked.
"""

from collections.abc import Callable, Mapping
from typing import Any

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError

from merchantroute_kit.errors import StepFailed

PREFETCH = 50_000


async def watch(connection: AbstractConnection, queue_name: str, run: str, take: Callable[[str, str], None]) -> None:
    """Hand each dead letter of this run, those there and those to come, to `take(order id, reason)`."""
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=PREFETCH)

    known: set[str] = set()

    async def seen(message: AbstractIncomingMessage) -> None:
        order = message.correlation_id or ""
        again = message.redelivered and order in known  # a reconnect shows what was shown before
        if order.startswith(f"{run}-") and not again:
            known.add(order)
            take(order, reason(message.headers))

    try:
        queue = await channel.get_queue(queue_name, ensure=True)
        await queue.consume(seen, no_ack=False)
    except AMQPError as error:
        raise StepFailed(
            "read dead letters",
            f"the queue {queue_name} cannot be consumed: {error!r}",
            "It is made with the route: is the route Ready? `kubectl -n orders get mr`",
        ) from error


def reason(headers: Mapping[str, Any]) -> str:
    """Why an order died: a worker's reason, or the broker's where it died without one."""
    if said := headers.get("mr-reason"):
        return str(said)
    deaths = headers.get("x-death") or [{}]
    return f"broker:{deaths[0].get('reason', 'unknown')}"
