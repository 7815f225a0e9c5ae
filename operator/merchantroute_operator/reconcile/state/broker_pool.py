"""One connection set per broker and vhost, shared by the routes that use it, replaced when credentials rotate."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import partial

from merchantroute_operator import metrics
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.rabbit.broker_port import Broker
from merchantroute_operator.rabbit.dialing.dialer import Dialer
from merchantroute_operator.rabbit.pulses.listener import PulseListener
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress


@dataclass(slots=True)
class _Entry:
    broker: Broker
    listener: asyncio.Task[None]


class BrokerPool:
    """Brokers by address. An address holds its credentials, so that rotated ones are another entry.

    Users are routes, by namespace and name. ``on_pulse`` gets the pulses of a route from the broker that it uses;
    ``dialer`` judges where an address leads.
    """

    def __init__(self, pulses_exchange: str, on_pulse: Callable[[Pulse], None], dialer: Dialer) -> None:
        self._pulses_exchange = pulses_exchange
        self._on_pulse = on_pulse
        self._dialer = dialer
        self._entries: dict[BrokerAddress, _Entry] = {}
        self._users: dict[Hashable, BrokerAddress] = {}

    async def use(self, user: Hashable, address: BrokerAddress) -> Broker:
        """The broker at ``address``, kept open for ``user``, who lets go of the one it used before."""
        if self._users.get(user) != address:
            await self.release(user)
            self._users[user] = address
        entry = self._entries.get(address)
        if entry is None:
            heard = partial(self._heard, address)
            broker = RabbitBroker(address, self._dialer, metrics.broker_call)
            listener = PulseListener(address, self._dialer, self._pulses_exchange, heard, on_message=metrics.pulse)
            entry = _Entry(broker, asyncio.create_task(listener.run()))
            self._entries[address] = entry
        return entry.broker

    def _heard(self, address: BrokerAddress, pulse: Pulse) -> None:
        """A pulse counts from the broker that its route uses: on another, anybody could speak in the route's name."""
        if self._users.get((pulse.namespace, pulse.route)) == address:
            self._on_pulse(pulse)

    def address(self, user: Hashable) -> BrokerAddress | None:
        """Where the broker is that ``user`` used last; None where it never came to one."""
        return self._users.get(user)

    def known(self, user: Hashable) -> Broker | None:
        """The broker that ``user`` used last, if it is still open."""
        entry = self._entries.get(self._users[user]) if user in self._users else None
        return entry.broker if entry else None

    async def release(self, user: Hashable) -> None:
        """``user`` needs its broker no more; the last one closes it."""
        address = self._users.pop(user, None)
        if address is None or address in self._users.values():
            return
        await self._close(self._entries.pop(address))

    def users(self) -> Iterable[tuple[Broker, tuple[Hashable, ...]]]:
        """Every open broker with those who use it."""
        for address, entry in list(self._entries.items()):
            yield entry.broker, tuple(user for user, used in self._users.items() if used == address)

    async def close(self) -> None:
        """Let go of everything."""
        entries, self._entries, self._users = list(self._entries.values()), {}, {}
        for entry in entries:
            await self._close(entry)

    async def _close(self, entry: _Entry) -> None:
        entry.listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await entry.listener
        await entry.broker.close()
