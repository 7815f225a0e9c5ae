"""A contender's queue: filled before a window, each order mandatory and confirmed, and emptied afterwards, by id."""

from collections.abc import Iterable
from typing import Any

import amqp

from benchmarks.comparison.contender import MERCHANTS, Binding, Contender
from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_kit.worker import topology

_AHEAD = 2000  # publishes that may wait for their confirm


class NotTaken(Exception):
    """An order was returned or refused; the text says why."""


def publish(vhost: Vhost, contender: Contender, binding: Binding, ids: Iterable[str]) -> list[str]:
    """Publish them for all merchants in turn; gives the ids. NotTaken when no queue holds one of them."""
    assert contender.wrap is not None, f"{contender.name} takes no orders from a broker"  # noqa: S101
    with topology.connect(vhost, confirm=False) as connection:
        channel = connection.channel()
        waiting = _Confirms(channel)
        published = []
        for number, order_id in enumerate(ids):
            merchant = MERCHANTS[number % len(MERCHANTS)]
            wrapped = contender.wrap(order_id, merchant)
            message = amqp.Message(wrapped.body, **wrapped.properties)
            key = merchant if binding.by_merchant else binding.queue
            channel.basic_publish(message, exchange=binding.exchange, routing_key=key, mandatory=True)
            published.append(order_id)
            waiting.sent += 1
            while waiting.open > _AHEAD:
                connection.drain_events(timeout=30)
        while waiting.open:
            connection.drain_events(timeout=30)
        if waiting.refused:
            raise NotTaken(f"{len(waiting.refused)} orders of {contender.name} were not taken: {waiting.refused[0]}")
        return published


class _Confirms:
    """Counts what the broker confirms."""

    def __init__(self, channel: Any) -> None:
        self.sent = self.highest = self.single = 0
        self.refused: list[str] = []
        channel.events["basic_ack"].add(self._acked)
        channel.events["basic_nack"].add(lambda *args: self.refused.append(f"refused {args}"))
        channel.events["basic_return"].add(lambda *args: self.refused.append(f"returned {args[:2]}"))
        channel.confirm_select()
        self._apart: set[int] = set()

    @property
    def open(self) -> int:
        return self.sent - self.highest - len(self._apart)

    def _acked(self, tag: int, multiple: bool) -> None:
        if multiple:
            self.highest = max(self.highest, tag)
            self._apart = {one for one in self._apart if one > self.highest}
        else:
            self._apart.add(tag)
        while self.highest + 1 in self._apart:
            self.highest += 1
            self._apart.remove(self.highest)


def take_out(vhost: Vhost) -> list[str]:
    """Take everything out of every queue; gives the orders' ids. Nobody else may consume any more."""
    left: list[str] = []
    with topology.connect(vhost) as connection:
        while True:
            queues = [queue["name"] for queue in vhost.api("GET", f"queues/{vhost.name}?columns=name")]
            found = [order for queue in queues if queue not in _NO_ORDERS for order in _all_of(connection, queue)]
            if not found:
                return left
            left += found


_NO_ORDERS = (topology.PULSES, topology.COMPLETIONS)


def _all_of(connection: amqp.Connection, queue: str) -> list[str]:
    channel = connection.channel()
    ready = channel.queue_declare(queue, passive=True).message_count
    found: list[str] = []
    if ready:
        channel.basic_consume(queue, no_ack=True, callback=lambda one: found.append(one.properties["correlation_id"]))
        while len(found) < ready:
            connection.drain_events(timeout=30)
    channel.close()
    return found
