"""A producer as a web shop would have it: every order mandatory, confirmed, and tried again under the same id.

A confirm alone is no route: without `mandatory` an order for an exchange that leads nowhere is confirmed and gone. A
publish whose confirm never came may or may not have arrived, so it is repeated with the same id, and the id is kept
in `repeated`: only there may the broker hold an order twice.
"""

import asyncio
import time
from contextlib import suppress
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange

from merchantroute_kit.errors import StepFailed
from merchantroute_kit.wire.broker import Broker, connect
from merchantroute_kit.wire.envelope import Envelope, wrap

_CONFIRM = 10.0  # seconds to wait for one confirm
_PAUSES = (0.1, 0.5, 1, 2, 4, 8, 8, 8, 8, 8)  # between attempts: 48 s of a broker that is away


class Producer:
    """An `async with` publisher into one front door. `confirm` is how many seconds one confirm may take."""

    def __init__(self, broker: Broker, front_door: str, *, confirm: float = _CONFIRM) -> None:
        self._broker = broker
        self._confirm = confirm
        self._front_door = front_door
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._exchange: AbstractExchange | None = None
        self._opening = asyncio.Lock()
        self.repeated: set[str] = set()

    async def __aenter__(self) -> "Producer":
        await self._door()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def publish(self, order: Any, *, order_id: str, merchant: str) -> int:
        """Publish one order; returns mr-published-at (ms since epoch). StepFailed when the broker stays away."""
        now = time.time_ns() // 1_000_000
        envelope = wrap(order, order_id=order_id, merchant=merchant, published_at=now)
        last: Exception | None = None
        for pause in (*_PAUSES, None):
            try:
                await self._publish(envelope)
                return now
            except aio_pika.exceptions.DeliveryError as error:
                last = error  # returned or refused: it is known not to have arrived
            except (TimeoutError, OSError, RuntimeError, aio_pika.exceptions.AMQPError, StepFailed) as error:
                last = error
                self.repeated.add(order_id)
            if pause is not None:
                await asyncio.sleep(pause)
        raise StepFailed(
            "publish orders",
            f"order {order_id} was not taken by {self._front_door} in {len(_PAUSES) + 1} attempts: {last!r}",
            "Is the route Ready? `kubectl -n orders get mr`; does the exchange exist? See the management UI",
        ) from last

    async def _publish(self, envelope: Envelope) -> None:
        message = aio_pika.Message(
            envelope.body,
            headers=envelope.headers,
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            correlation_id=envelope.order_id,
        )
        door = await self._door()
        await door.publish(message, envelope.routing_key, mandatory=True, timeout=self._confirm)

    async def _door(self) -> AbstractExchange:
        """The front door on a channel that is open; whoever finds it closed opens it for all."""
        async with self._opening:
            # `connected`, not `is_closed`: the latter is about our own close(), not about one by the broker.
            if self._connection is None or not self._connection.connected.is_set():
                broken, self._exchange = self._connection, None
                self._connection = await connect(self._broker, robust=False)
                await _let_go(broken)
            if self._exchange is None or self._channel is None or self._channel.is_closed:
                # on_return_raises: a mandatory order that found no queue comes back as an error, not as a confirm.
                self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
                self._exchange = await self._channel.get_exchange(self._front_door, ensure=False)
            return self._exchange


async def _let_go(broken: AbstractConnection | None) -> None:
    """Close what the broker has closed already: a connection that is merely forgotten complains about it later."""
    if broken is not None:
        with suppress(OSError, RuntimeError, aio_pika.exceptions.AMQPError):
            await broken.close()
