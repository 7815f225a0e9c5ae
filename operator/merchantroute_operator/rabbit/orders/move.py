"""Moves the messages of a queue to an exchange: each is confirmed there before it is acked here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aiormq.abc import AbstractChannel as BareChannel
from aiormq.exceptions import ChannelNotFoundEntity, DeliveryError

from merchantroute_operator.errors import BrokerError, BrokerUnreachable
from merchantroute_operator.naming import is_behind_front_door
from merchantroute_operator.rabbit.amqp import connection, named
from merchantroute_operator.rabbit.dialing.dialer import Dialer
from merchantroute_operator.rabbit.orders.non_utf8 import readable, writable
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from merchantroute_operator.topology.objects import Moved

AT_ONCE = 100  # orders under way
CONFIRM = 30.0  # seconds for the broker's word about one order
IDLE = 2.0  # seconds without a delivery, after which the rest of a count is gone (expired, or taken by a worker)
# The broker writes these itself; republished as headers they could not be distinguished from its own.
_BROKERS_OWN = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count", "x-acquired-count")
_WORKERS_OWN = "mr-"
_PRODUCERS = "mr-published-at"
_AS_PUBLISHED = "mr-as-published"


async def move(address: BrokerAddress, dialer: Dialer, queue: str, exchange: str, within: float) -> Moved:
    """See ``broker_port.Broker.move``. A crash between confirm and ack leaves a copy, never a loss.

    Two connections: under a memory alarm the broker does not read from one that publishes, so it would not see the
    acks of what it has already taken.
    """
    readable()
    async with (
        connection(address, dialer, "takes orders") as taking,
        connection(address, dialer, "gives orders") as giving,
    ):
        channel = taking.channel()
        await channel.initialize()
        try:
            declared = await channel.declare_queue(queue, passive=True)
        except ChannelNotFoundEntity:
            return Moved(0, 0)
        ready = declared.declaration_result.message_count or 0
        if not ready and (head := await declared.get(fail=False)) is not None:
            # A leader that does not answer within 250 ms is declared empty; it answers a `basic.get` itself.
            await head.nack(requeue=True)
            return Moved(0, 1)
        target = giving.channel(on_return_raises=True)
        await target.initialize()
        try:
            await target.get_exchange(exchange, ensure=True)
        except ChannelNotFoundEntity:
            raise BrokerError(f"exchange {exchange} does not exist, so no order was moved there") from None
        mover = _Mover(address, exchange, await target.get_underlay_channel())
        moved = await mover.run(channel, queue, ready, within)
        return Moved(moved, max(0, ready - moved))


class _Mover:
    def __init__(self, address: BrokerAddress, exchange: str, target: BareChannel) -> None:
        self._address = address
        self._exchange = exchange
        self._target = target
        self._moved = 0
        self._under_way = 0
        self._ended = False
        self._error: BrokerError | None = None
        self._changed = asyncio.Event()

    async def run(self, channel: AbstractChannel, queue: str, ready: int, within: float) -> int:
        """Move ``ready`` orders, or as many as ``within`` seconds let, and what else had been delivered by then."""
        if ready == 0:
            return 0
        await channel.set_qos(prefetch_count=AT_ONCE)
        source = await channel.get_queue(queue, ensure=False)
        tag = await source.consume(self._take)
        end = asyncio.get_running_loop().time() + within
        while self._moved < ready and self._error is None and asyncio.get_running_loop().time() < end:
            if not await self._something_happens(IDLE):
                break
        if channel.is_closed:
            raise BrokerUnreachable(f"the broker at {self._address.host}:{self._address.port} went away meanwhile")
        # What arrives from now on goes back to its queue when the channel closes.
        self._ended = True
        while self._under_way and self._error is None and await self._something_happens(CONFIRM):
            pass
        # A quorum queue's acks may still wait in the broker's channel, which drops them when it closes
        # (`rabbit_fifo_client`); it sends them first when the consumer is cancelled, and confirms that after them.
        await source.cancel(tag)
        if self._error is not None:
            raise self._error
        await channel.close()
        return self._moved

    async def _something_happens(self, within: float) -> bool:
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), within if not self._under_way else CONFIRM)
        except TimeoutError:
            return False
        return True

    async def _take(self, message: AbstractIncomingMessage) -> None:
        """Called at once for every order that arrives; the prefetch bounds how many."""
        if self._ended:
            return
        self._under_way += 1
        try:
            await self._give(message)
            await message.ack()
            self._moved += 1
        except DeliveryError:
            self._error = BrokerError(f"exchange {self._exchange} took no order: it leads to no queue, or that is full")
        except Exception as error:  # noqa: BLE001 - the library raises bare ones where a channel closes meanwhile
            self._error = named(error, self._address)
        finally:
            self._under_way -= 1
            self._changed.set()

    async def _give(self, message: AbstractIncomingMessage) -> None:
        properties = message.properties
        properties.headers = writable(headers_to_move(properties.headers or {}, message.exchange or ""))
        properties.user_id = None  # the broker refuses another user's
        await self._target.basic_publish(
            message.body,
            exchange=self._exchange,
            routing_key=message.routing_key or "",
            properties=properties,
            mandatory=True,
            timeout=CONFIRM,
        )


def headers_to_move(headers: Mapping[str, Any], published_to: str) -> dict[str, Any]:
    """The headers of an order that is moved, which was published to this exchange.

    Workers believe the journal and the counts of what comes from behind the front door, where a moved order comes
    from. So one that came through the front door keeps only the headers that are its producer's to write, and is
    marked: its body is as it was published.
    """
    kept = {name: value for name, value in headers.items() if not name.startswith(_BROKERS_OWN)}
    if is_behind_front_door(published_to):
        return kept
    mine = {name: value for name, value in kept.items() if not name.startswith(_WORKERS_OWN) or name == _PRODUCERS}
    return {**mine, _AS_PUBLISHED: True}
