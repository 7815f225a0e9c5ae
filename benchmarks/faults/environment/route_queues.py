"""The queues of the route, asked over AMQP: what they hold now, while management's figures are 5 s old."""

import json
from collections.abc import Iterable
from typing import Any

import amqp
from amqp.exceptions import NotFound

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_kit.worker import topology

SAFE = {"x-queue-type": "quorum", "x-overflow": "reject-publish", "x-dead-letter-strategy": "at-least-once"}


def ready(vhost: Vhost, delays: Iterable[int]) -> int:
    """Messages that wait in the lane, the suspect lane and on the rungs; a queue that is not there holds none.

    Once no worker runs, nothing is unacked and this is all that is left.
    """
    names = [topology.QUEUE, topology.SUSPECT, *(f"{topology.RETRY}.{delay}" for delay in delays)]
    found = 0
    with topology.connect(vhost) as connection:
        for name in names:
            try:
                channel = connection.channel()
                found += channel.queue_declare(name, passive=True).message_count
                channel.close()
            except NotFound:
                continue
    return found


def unacked(vhost: Vhost) -> int:
    """What workers of the lane hold, as management has it."""
    queue = vhost.api("GET", f"queues/{vhost.name}/{topology.QUEUE}")
    return int(queue.get("messages_unacknowledged") or 0)


def declare(vhost: Vhost, delays: tuple[int, ...]) -> None:
    """The whole route, with the lane for suspect orders."""
    topology.declare(vhost, delays)
    with topology.connect(vhost) as connection:
        channel = connection.channel()
        arguments = {**SAFE, "x-dead-letter-exchange": topology.DEAD, "x-delivery-limit": 50}
        channel.exchange_declare(topology.SUSPECT, "fanout", durable=True, auto_delete=False)
        if not _is_there(connection, topology.SUSPECT):
            channel.queue_declare(topology.SUSPECT, durable=True, auto_delete=False, arguments=arguments)
        channel.queue_bind(topology.SUSPECT, topology.SUSPECT)


def delete_lane(vhost: Vhost) -> int:
    """Delete the lane's queue, as somebody may by mistake; gives how many ready orders went with it."""
    with topology.connect(vhost) as connection:
        return int(connection.channel().queue_delete(topology.QUEUE))


def send_task(vhost: Vhost, task: str, *args: Any, order_id: str, merchant: str) -> None:
    """Publish a task of the app's own through the front door, as its producer would."""
    message = amqp.Message(
        json.dumps([list(args), {}, {}]),
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=2,
        correlation_id=order_id,
        application_headers={"lang": "py", "task": task, "id": order_id, "retries": 0},
    )
    with topology.connect(vhost) as connection:
        connection.channel().basic_publish(message, exchange=topology.FRONT, routing_key=merchant, mandatory=True)


def _is_there(connection: amqp.Connection, queue: str) -> bool:
    channel = connection.channel()
    try:
        channel.queue_declare(queue, passive=True)
    except NotFound:
        return False
    channel.close()
    return True
