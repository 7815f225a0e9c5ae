"""A broker with a route, declared by the test: the client publishes to it, and the test sees what arrives."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import amqp

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_kit.worker import topology
from merchantroute_worker.client import Client

ROUTE = f"{topology.NAMESPACE}/{topology.ROUTE}"
DELAYS = (1000,)


@dataclass(frozen=True)
class Arrived:
    """One message of the lane's queue."""

    routing_key: str
    order: Any
    properties: dict[str, Any]
    headers: dict[str, Any]


class BrokerWithRoute:
    """A virtual host with, or without, a route, and the client's way to it."""

    def __init__(self, vhost: Vhost) -> None:
        self.vhost = vhost

    def open_the_route(self) -> None:
        topology.declare(self.vhost, DELAYS)

    @contextmanager
    def channel(self) -> Iterator[amqp.Channel]:
        with topology.connect(self.vhost) as connection:
            yield connection.channel()

    def url(self, port: int | None = None) -> str:
        """The broker's URL, or that of a relay to it."""
        vhost = self.vhost
        return f"amqp://{vhost.username}:{vhost.password}@{vhost.host}:{port or vhost.port}/{vhost.name}"

    def client(self, port: int | None = None, **more: Any) -> Client:
        return Client(broker=self.url(port), route=ROUTE, **more)

    def arrived(self, queue: str = topology.QUEUE) -> list[Arrived]:
        """Take everything out of the lane's queue."""
        with self.channel() as channel:
            messages = []
            while message := channel.basic_get(queue, no_ack=True):
                messages.append(message)
        return [_arrived(message) for message in messages]


def _arrived(message: Any) -> Arrived:
    args, kwargs, embed = json.loads(message.body)
    assert (args, embed) == ([], {})
    return Arrived(
        routing_key=message.delivery_info["routing_key"],
        order=kwargs["order"],
        properties={name: value for name, value in message.properties.items() if name != "application_headers"},
        headers=message.headers,
    )
