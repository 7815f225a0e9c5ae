"""One connection set per broker, vhost and user, shared by the routes that use it, replaced when credentials rotate.

What is read of a vhost is shared by all its users: a company's teams have a user each on one vhost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from merchantroute_operator import metrics
from merchantroute_operator.errors import BrokerUnreachable, RouteError
from merchantroute_operator.rabbit.broker import RabbitBroker
from merchantroute_operator.rabbit.broker_port import Broker
from merchantroute_operator.rabbit.dialing.dialer import Dialer
from merchantroute_operator.rabbit.pulses.shared_listener import SharedListener, vhost_of
from merchantroute_operator.rabbit.vhost.vhost_reads import VhostReads
from merchantroute_operator.rabbit.vhost.vhost_topology import VhostTopology
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from merchantroute_operator.topology.objects import QueueSample

User = tuple[str, str]
"""A route: its namespace and its name."""
_Key = tuple[BrokerAddress, str]
"""A broker as one user, and the namespace whose routes may reach it there; empty where that is all the same."""

# The management API, the vhost's name, the certificate that vouches for it, and the one that is shown to it.
Vhost = tuple[str, str, str | None, str | None]
TRIED = 3  # users of a vhost whose credentials are tried for one read of its figures
Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Entry:
    broker: RabbitBroker
    users: int = 0  # routes


class VhostFigures:
    """The figures of one vhost, read as whichever of its users the broker lets in."""

    def __init__(self, vhost: Vhost) -> None:
        self.vhost = vhost
        self.reads = VhostReads()
        self.brokers: list[RabbitBroker] = []
        self._users: dict[User, None] = {}

    @property
    def users(self) -> tuple[User, ...]:
        """The routes on it."""
        return tuple(self._users)

    def add(self, user: User) -> None:
        """A route uses it from now on."""
        self._users[user] = None

    def drop(self, user: User) -> None:
        """A route uses it no longer."""
        self._users.pop(user, None)

    async def samples(self) -> Mapping[str, QueueSample]:
        """See ``broker_port.Broker.samples``."""
        return await self._first(lambda broker: broker.samples())

    async def recent(self, at_most: float) -> VhostTopology:
        """All of the vhost, as a read found it that began at most so many seconds ago."""
        return await self._first(lambda broker: broker.recent(at_most))

    async def _first(self, read: Callable[[RabbitBroker], Awaitable[Answer]]) -> Answer:
        """Who was let in last is asked first. Raises what the first of them raised, if all failed."""
        first: RouteError | None = None
        for broker in self.brokers[:TRIED]:
            try:
                answer = await read(broker)
            except RouteError as error:
                first = first or error
                continue
            if broker is not self.brokers[0]:
                self.brokers.remove(broker)
                self.brokers.insert(0, broker)
            return answer
        raise first or BrokerUnreachable("nobody uses the broker any more")


class BrokerPool:
    """Brokers by address. An address holds its credentials, so that rotated ones are another entry.

    ``on_pulse`` gets the pulses of a route from the broker that it uses; ``dialer`` judges where an address leads.
    Where that depends on the route's namespace, routes of two namespaces share no connection.
    """

    def __init__(self, pulses_exchange: str, on_pulse: Callable[[Pulse], None], dialer: Dialer) -> None:
        self._pulses_exchange = pulses_exchange
        self._on_pulse = on_pulse
        self._dialer = dialer
        self._entries: dict[_Key, _Entry] = {}
        self._users: dict[User, BrokerAddress] = {}
        self._vhosts: dict[Vhost, VhostFigures] = {}
        self._listeners: dict[_Key, SharedListener] = {}  # by what the users of a vhost have in common

    async def use(self, user: User, address: BrokerAddress) -> Broker:
        """The broker at ``address``, kept open for ``user``, who lets go of the one it used before."""
        if (before := self._users.get(user)) == address:
            return self._entries[self._key(user, address)].broker
        if before is not None:
            await self.release(user)
        self._users[user] = address
        key = self._key(user, address)
        entry = self._entries.get(key)
        if entry is None:
            dialer = self._dialer.for_routes_of(user[0])
            self._listener(user, address, dialer).add(address)
            figures = self._vhosts.setdefault(_vhost(address), VhostFigures(_vhost(address)))
            broker = RabbitBroker(address, dialer, metrics.broker_call, figures.reads)
            figures.brokers.append(broker)
            entry = self._entries[key] = _Entry(broker)
        entry.users += 1
        self._vhosts[_vhost(address)].add(user)
        return entry.broker

    def _listener(self, user: User, address: BrokerAddress, dialer: Dialer) -> SharedListener:
        key = self._listener_key(user, address)
        if key not in self._listeners:
            heard = partial(self._heard, key)
            self._listeners[key] = SharedListener(dialer, self._pulses_exchange, heard, metrics.pulse)
        return self._listeners[key]

    def _heard(self, key: _Key, pulse: Pulse) -> None:
        """A pulse counts from the vhost that its route uses: on another, anybody could speak in the route's name."""
        user = (pulse.namespace, pulse.route)
        address = self._users.get(user)
        if address is not None and self._listener_key(user, address) == key:
            self._on_pulse(pulse)

    def address(self, user: User) -> BrokerAddress | None:
        """Where the broker is that ``user`` used last; None where it never came to one."""
        return self._users.get(user)

    def known(self, user: User) -> Broker | None:
        """The broker that ``user`` used last, if it is still open."""
        entry = self._entries.get(self._key(user, self._users[user])) if user in self._users else None
        return entry.broker if entry else None

    async def release(self, user: User) -> None:
        """``user`` needs its broker no more; the last one closes it."""
        address = self._users.pop(user, None)
        if address is None:
            return
        key = self._key(user, address)
        entry, figures = self._entries[key], self._vhosts[_vhost(address)]
        figures.drop(user)
        entry.users -= 1
        if entry.users:
            return
        del self._entries[key]
        figures.brokers.remove(entry.broker)
        if not figures.brokers:
            del self._vhosts[figures.vhost]
        listened = self._listener_key(user, address)
        if not await self._listeners[listened].drop(address):
            self._listeners.pop(listened, None)
        await entry.broker.close()

    def vhosts(self) -> Iterable[VhostFigures]:
        """Every vhost that is in use."""
        return tuple(self._vhosts.values())

    async def close(self) -> None:
        """Let go of everything."""
        entries, self._entries, self._vhosts = list(self._entries.values()), {}, {}
        listeners, self._listeners = list(self._listeners.values()), {}
        self._users.clear()
        for listener in listeners:
            await listener.close()
        for entry in entries:
            await entry.broker.close()

    def _key(self, user: User, address: BrokerAddress) -> _Key:
        return address, self._dialer.for_routes_of(user[0]).of_routes

    def _listener_key(self, user: User, address: BrokerAddress) -> _Key:
        return vhost_of(address), self._dialer.for_routes_of(user[0]).of_routes


def _vhost(address: BrokerAddress) -> Vhost:
    return address.management_uri, address.vhost, address.ca, address.certificate
