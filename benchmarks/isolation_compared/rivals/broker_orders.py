"""Orders on RabbitMQ: published with confirms, counted by exchange, and taken out by id when a cell is over."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import amqp

from benchmarks.comparison import messages
from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_kit.worker import topology

Address = Callable[[str], tuple[str, str]]
"""Exchange and routing key of a merchant's orders."""
_OTHERS = ("mr-pulses", "celeryev", "celery.pidbox", "reply.celery", "amq.")  # exchanges that carry no orders


class BrokerPublisher:
    """One connection with confirms, which are taken in between two publishes."""

    def __init__(self, vhost: Vhost, address: Address) -> None:
        self._connection = topology.connect(vhost, confirm=False)
        self._channel = self._connection.channel()
        self._address = address
        self._waiting: dict[int, str] = {}
        self._tag = 0
        self._lowest = 1
        self._confirmed: set[str] = set()
        self._channel.events["basic_ack"].add(self._acked)
        self._channel.events["basic_nack"].add(self._refused)
        self._channel.events["basic_return"].add(self._returned)
        self._channel.confirm_select()
        self._gone: set[str] = set()

    @property
    def confirmed(self) -> set[str]:
        """Orders that the broker has taken over; one that no queue wanted comes back, and is confirmed all the same."""
        return self._confirmed - self._gone

    def publish(self, order: str, merchant: str) -> None:
        """Publish one order, mandatory."""
        wrapped = messages.celery(order, merchant)
        exchange, key = self._address(merchant)
        self._tag += 1
        self._waiting[self._tag] = order
        message = amqp.Message(wrapped.body, **wrapped.properties)
        self._channel.basic_publish(message, exchange=exchange, routing_key=key, mandatory=True)

    def settle(self, seconds: float) -> None:
        """Take in what the broker says for so long, or until nothing is open."""
        end = time.monotonic() + seconds
        while self._waiting and (left := end - time.monotonic()) > 0:
            with suppress(TimeoutError):
                self._connection.drain_events(timeout=left)

    def close(self) -> None:
        """Leave no connection behind."""
        with suppress(OSError, amqp.AMQPError):
            self._connection.close()

    def _acked(self, tag: int, multiple: bool) -> None:
        if multiple:
            for each in range(self._lowest, tag + 1):
                self._take(each)
            self._lowest = tag + 1
        else:
            self._take(tag)

    def _take(self, tag: int) -> None:
        order = self._waiting.pop(tag, None)
        if order is not None:
            self._confirmed.add(order)

    def _refused(self, tag: int, multiple: bool) -> None:
        for each in range(self._lowest, tag + 1) if multiple else [tag]:
            self._waiting.pop(each, None)

    def _returned(self, *args: Any) -> None:
        self._gone.add(args[-1].properties["correlation_id"])


def client_publishes(vhost: Vhost) -> int:
    """Messages with orders that anybody has published in the virtual host, by the broker's count."""
    exchanges = vhost.api("GET", f"exchanges/{quote(vhost.name, safe='')}")
    return sum(
        int((each.get("message_stats") or {}).get("publish_in", 0))
        for each in exchanges
        if not each["name"].startswith(_OTHERS)
    )


def take_out(vhost: Vhost, wanted: Callable[[str], bool]) -> frozenset[str]:
    """The orders in all queues whose name is `wanted`; nobody may consume any more. They are gone afterwards."""
    found: set[str] = set()
    with topology.connect(vhost) as connection:
        for queue in vhost.api("GET", f"queues/{quote(vhost.name, safe='')}?columns=name"):
            if wanted(queue["name"]):
                found |= _all_of(connection, queue["name"])
    return frozenset(found)


def _all_of(connection: amqp.Connection, queue: str) -> set[str]:
    channel = connection.channel()
    found: set[str] = set()
    while (message := channel.basic_get(queue, no_ack=True)) is not None:
        found.add(str(message.properties.get("correlation_id")))
    channel.close()
    return found
