"""Consumes the pulses of worker pods: one consumer for the pods of all routes on a broker.

The queue is the operator's own and short: pulses that nobody reads are dropped, oldest first, and a dead operator
leaves nothing behind. A pod's next pulse comes two seconds later, so nothing is acknowledged.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from uuid import uuid4

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from pamqp.common import FieldTable

from merchantroute_operator.errors import RouteError
from merchantroute_operator.rabbit.amqp import connection, named
from merchantroute_operator.rabbit.dialing.dialer import Dialer
from merchantroute_operator.rabbit.pulses.pulse_format import parse_pulse
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress

logger = logging.getLogger(__name__)
LONGEST = 20_000  # pulses
CHECK = 15.0  # seconds between two looks whether the exchange still leads here
BACKOFF = (0.5, 15.0)  # seconds: the first and the longest


def ignore_message(_good: bool, /) -> None:
    """The hook where nobody counts messages."""


class PulseListener:
    """Calls ``on_pulse`` with every pulse on ``exchange``; ``on_message`` gets whether each message was one.

    ``address`` gives the broker's address for the next connection, ``clock`` the monotonic seconds of ``Pulse.at``.
    """

    def __init__(
        self,
        address: Callable[[], BrokerAddress],
        dialer: Dialer,
        exchange: str,
        on_pulse: Callable[[Pulse], None],
        *,
        on_message: Callable[[bool], None] = ignore_message,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._dialer = dialer
        self._exchange = exchange
        self._on_pulse = on_pulse
        self._on_message = on_message
        self._clock = clock
        self._listening = False

    async def run(self) -> None:
        """Listen until cancelled, through every failure of the broker."""
        delay = BACKOFF[0]
        while True:
            self._listening = False
            address = self._address()
            try:
                async with connection(address, self._dialer, "hears pulses") as opened:
                    await self._listen(opened)
                error: Exception | None = None
            except RouteError as failed:
                error = failed
            except Exception as failed:  # noqa: BLE001 - whatever surprised the library: being deaf for good is worse
                error = named(failed, address)
            if self._listening or delay == BACKOFF[0]:
                logger.warning("no pulses until the broker is back: %s", error or "the connection was closed")
            delay = BACKOFF[0] if self._listening else min(delay * 2, BACKOFF[1])
            await asyncio.sleep(delay)

    async def _listen(self, opened: AbstractConnection) -> None:
        """Until the connection or the channel is gone."""
        channel = opened.channel(publisher_confirms=False)
        await channel.initialize()
        gone = asyncio.Event()
        opened.close_callbacks.add(lambda *_: gone.set())
        channel.close_callbacks.add(lambda *_: gone.set())
        arguments: FieldTable = {"x-queue-type": "classic", "x-max-length": LONGEST, "x-overflow": "drop-head"}
        # Named like the exchange, so that the rights which are documented for the operator's user suffice.
        name = f"{self._exchange}.{uuid4().hex}"
        queue = await channel.declare_queue(name, exclusive=True, auto_delete=True, arguments=arguments)
        await self._connect(channel, queue)
        await queue.consume(self._receive, no_ack=True)
        self._listening = True
        logger.info("hearing pulses on %s", self._exchange)
        while not gone.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(gone.wait(), CHECK)
                return
            await self._connect(channel, queue)

    async def _connect(self, channel: AbstractChannel, queue: AbstractQueue) -> None:
        """Lead the exchange to the queue; again and again, since RabbitMQ notifies nobody of its deletion."""
        await channel.declare_exchange(self._exchange, ExchangeType.FANOUT, durable=True)
        await queue.bind(self._exchange)

    async def _receive(self, message: AbstractIncomingMessage) -> None:
        pulse = parse_pulse(message.body, at=self._clock())
        self._on_message(pulse is not None)
        if pulse is not None:
            self._on_pulse(pulse)
