"""The real ``broker_port.Broker``: the management API for topology and figures, AMQP for orders."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Mapping, Sequence

from merchantroute_operator.errors import RouteError
from merchantroute_operator.lane_users.broker_user import BrokerUser, UserOp
from merchantroute_operator.rabbit import topology_reader, topology_writer, user_accounts
from merchantroute_operator.rabbit.broker_errors import NotFound
from merchantroute_operator.rabbit.dialing.dialer import Dialer
from merchantroute_operator.rabbit.management import Management, OnCall, ignore_call
from merchantroute_operator.rabbit.orders.live_count import live_counts
from merchantroute_operator.rabbit.orders.move import move
from merchantroute_operator.rabbit.preflight import checks
from merchantroute_operator.rabbit.vhost.named_reads import read_bindings, read_exchanges, read_queues
from merchantroute_operator.rabbit.vhost.shared_reads import SharedRead
from merchantroute_operator.rabbit.vhost.vhost_reads import Known, VhostReads
from merchantroute_operator.rabbit.vhost.vhost_topology import VhostTopology
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from merchantroute_operator.topology.objects import LiveCount, Moved, Plan, QueueSample, QueueTick, Topology, Uncounted
from merchantroute_operator.topology.queries import touched_by

CHECKED = 5.0  # seconds for which a check serves all routes of the same user, if it failed slowly or the vhost is large
SLOW = 1.0  # seconds
FEW = 4  # exchanges whose bindings are read one by one; a merchant that moves changes those of two


class RabbitBroker:
    """One vhost of one RabbitMQ, as one user; see ``broker_port.Broker``.

    ``dialer`` judges where the address leads, ``on_call`` counts management calls, ``reads`` are shared with the other
    users of the vhost.
    """

    def __init__(
        self, address: BrokerAddress, dialer: Dialer, on_call: OnCall = ignore_call, reads: VhostReads | None = None
    ) -> None:
        self._address = address
        self._dialer = dialer
        self._management = Management(address, dialer, on_call)
        self._reads = reads or VhostReads()
        self._greeted = False
        self._hangs = False  # whether the last check failed, and was slow to
        self._may_know_users: SharedRead[None] = SharedRead()
        self._checked: SharedRead[RouteError | Uncounted] = SharedRead(self._reads.clock, from_end=True)

    async def check(self) -> Uncounted:
        """Raise the named error if the broker cannot carry a route; what it does not count."""
        shared = self._hangs or self._reads.is_large  # the broker counts all of its queues for what it says of itself
        found = await self._checked.get(self._check, at_most=CHECKED if shared else 0.0)
        if isinstance(found, RouteError):
            raise found.with_traceback(None)
        return found

    async def observe(self, prefix: str, expected: Topology | None = None, at_most: float = 0.0) -> Topology:
        """What is there of a route."""
        if expected is not None and (shown := self._reads.shown(prefix, expected, at_most)) is not None:
            return shown
        known = None if expected is None else self._reads.known(prefix, expected)
        if known is not None:
            with contextlib.suppress(NotFound):  # somebody deletes it
                return await self._read_known(known)
        return (await self._reads.topology.get(self._read_topology)).of(prefix)

    async def observe_after(self, plan: Plan, prefix: str, observed: Topology) -> Topology:
        """What is there of a route after ``plan``; a vhost of hundreds of routes is not read whole for one of them."""
        touched = touched_by(plan)
        if touched is None:
            return await self.observe(prefix)
        few = len(touched.sources) <= FEW and not touched.exchanges and not touched.queues
        if not few and not self._reads.spares(sum(map(len, touched))):
            return await self.observe(prefix)
        exchanges = await read_exchanges(self._management, touched.exchanges)
        queues = await read_queues(self._management, touched.queues)
        try:
            bindings = await read_bindings(self._management, touched.sources)
        except NotFound:
            return await self.observe(prefix)
        if exchanges.keys() < touched.exchanges or queues.keys() < touched.queues:  # somebody deleted it meanwhile
            return await self.observe(prefix)
        others = (binding for binding in observed.bindings if binding.source not in touched.sources)
        return Topology(
            {**observed.exchanges, **exchanges}, {**observed.queues, **queues}, frozenset((*others, *bindings))
        )

    async def _read_known(self, known: Known) -> Topology:
        exchanges = await read_exchanges(self._management, known.exchanges)
        queues = await read_queues(self._management, known.queues)
        bindings = await read_bindings(self._management, exchanges)
        strangers = (b for b in known.strangers if b.target in (exchanges if b.to == "exchange" else queues))
        return Topology(exchanges, queues, frozenset((*strangers, *bindings)))

    async def recent(self, at_most: float) -> VhostTopology:
        """All of the vhost, as a read found it that began at most so many seconds ago."""
        return await self._reads.topology.get(self._read_topology, at_most=at_most)

    async def run(self, plan: Plan) -> None:
        """Carry out the batches in order."""
        self._reads.writes.note(plan)
        try:
            await topology_writer.run(self._management, plan)
        finally:
            self._reads.writes.note(plan)

    async def samples(self) -> Mapping[str, QueueSample]:
        """The figures of the vhost's queues."""
        return await self._reads.samples.get(self._read_samples)

    async def _check(self) -> RouteError | Uncounted:
        began = time.monotonic()
        try:
            uncounted = await checks.check(self._management, self._dialer, greets=not self._greeted)
        except RouteError as error:
            self._hangs = time.monotonic() - began > SLOW
            return error
        self._hangs, self._greeted = False, True
        return uncounted

    async def _read_topology(self) -> VhostTopology:
        return await topology_reader.read_topology(self._management)

    async def _read_samples(self) -> Mapping[str, QueueSample]:
        return await topology_reader.samples(self._management)

    async def ticks(self, queues: Collection[str]) -> Mapping[str, QueueTick]:
        """What queues last reported of themselves."""
        return await topology_reader.ticks(self._management, queues)

    async def live(self, queues: Collection[str]) -> Mapping[str, LiveCount]:
        """What queues' leaders say now."""
        return await live_counts(self._address, self._dialer, queues)

    async def move(self, queue: str, exchange: str, within: float) -> Moved:
        """Move what is ready in ``queue`` to ``exchange``."""
        return await move(self._address, self._dialer, queue, exchange, within)

    async def users(self, at_most: float = 0.0) -> Mapping[str, BrokerUser]:
        """The lanes' users; who may not know them is not told what somebody else's read found."""
        await self._may_know_users.get(self._require_administrator, at_most=at_most)
        return await self._reads.users.get(self._read_users, at_most=at_most)

    async def run_user_ops(self, ops: Sequence[UserOp]) -> None:
        """Carry out operations on users."""
        await user_accounts.run_user_ops(self._management, ops)

    async def _require_administrator(self) -> None:
        await user_accounts.require_administrator(self._management)

    async def _read_users(self) -> Mapping[str, BrokerUser]:
        return await user_accounts.read_users(self._management)

    async def close(self) -> None:
        """Let go of connections."""
        await self._management.close()
