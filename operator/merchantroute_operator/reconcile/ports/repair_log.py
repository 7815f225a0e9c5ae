"""Wrappers of the two ports that record repairs: what a reconcile writes although the spec has not changed.

Between two passes over a route nothing of ours writes to its objects, but for ``spec.replicas``. So a pass that finds
less than the last one left has found somebody else's change, and what it writes for that is a repair.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import cast

from merchantroute_operator.kube.kube_port import Children, Kind, Kube, Object
from merchantroute_operator.lane_users.broker_user import BrokerUser, DropUser, UserOp, users_after
from merchantroute_operator.naming import front_door
from merchantroute_operator.rabbit.broker_port import Broker
from merchantroute_operator.reconcile.ports.caching import CachingKube
from merchantroute_operator.reconcile.state.broker_pool import BrokerPool, User
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.seen import Seen
from merchantroute_operator.resources.differ import differs
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from merchantroute_operator.topology.objects import (
    Bind,
    Declare,
    Delete,
    LiveCount,
    Moved,
    Op,
    Plan,
    Queue,
    QueueSample,
    QueueTick,
    Topology,
    Unbind,
    Uncounted,
)


def with_repair_log(ctx: Context, seen: Seen, repairs: list[str]) -> tuple[Context, RepairLogKube]:
    """``ctx`` with ports that note repairs, as sentences; call ``settled`` of the second after a good reconcile."""
    kube = RepairLogKube(ctx.kube, seen, repairs)
    brokers = cast(BrokerPool, _Brokers(ctx.brokers, seen, repairs))
    return replace(ctx, kube=cast(Kube, kube), brokers=brokers), kube


class RepairLogKube(CachingKube):
    """All goes on to ``kube``."""

    def __init__(self, kube: Kube, seen: Seen, repairs: list[str]) -> None:
        super().__init__(kube)
        self._seen = seen
        self._repairs = repairs

    async def children(self, namespace: str, route: str) -> Children:
        """Remembered for this pass; of all its versions are noted, so that a watch that brings them is no news."""
        found = await super().children(namespace, route)
        self._seen.versions = {}
        for kind, objects in (("Pod", found.pods), *found.by_kind().items()):
            for name, body in objects.items():
                self._seen.note_version((kind, name), body)
        return found

    async def apply(self, body: Object) -> Object:
        """A repair, if this is no longer as the last pass left it.

        What admission makes of the object is none, and to apply it again would change nothing.
        """
        key = (body["kind"], body["metadata"]["name"])
        if (there := self.live.get(key)) is not None and self._seen.admitted.covers(body, there):
            return there
        before, live = self._seen.recall(key), self.live.get(key)
        stored = await self.kube.apply(body)
        self._seen.note_version(key, stored)
        if before is not None and live is None:
            self._repairs.append(f"{key[0]} {key[1]} was deleted: made again")
        elif before is not None and live is not None and differs(before, live) and not self._seen.admitted.made(live):
            self._repairs.append(f"{key[0]} {key[1]} was changed: put back")
        self._seen.admitted.note(body, stored)
        self._seen.remember(key, body)
        return stored

    async def dry_run(self, body: Object) -> Object:
        """Asked only about what ``apply`` would send."""
        live = self.live.get((body["kind"], body["metadata"]["name"]))
        if live is None or not self._seen.admitted.covers(body, live):
            return await self.kube.dry_run(body)
        return live

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """Gone by our own doing."""
        self._seen.forget((kind, name))
        self._seen.admitted.forget(kind, name)
        self.live.pop((kind, name), None)
        await self.kube.delete(kind, namespace, name)

    def settled(self) -> None:
        """The pass found no fault with what it did not apply: that is how it should stay."""
        for key, body in self.live.items():
            if key not in self._seen.packed:
                self._seen.remember(key, body)


class _Brokers:
    def __init__(self, brokers: BrokerPool, seen: Seen, repairs: list[str]) -> None:
        self._brokers = brokers
        self._seen = seen
        self._repairs = repairs

    async def use(self, user: User, address: BrokerAddress) -> Broker:
        theirs = f"{front_door(*user)}."
        return RepairLogBroker(await self._brokers.use(user, address), self._seen, self._repairs, theirs)


class RepairLogBroker:
    """All goes on to ``broker``. The names of the route's users begin with ``users``."""

    def __init__(self, broker: Broker, seen: Seen, repairs: list[str], users: str) -> None:
        self._broker = broker
        self._seen = seen
        self._repairs = repairs
        self._before: Topology | None = None
        self._found: Topology | None = None
        self._users = users
        self._users_before: Mapping[str, BrokerUser] = {}
        self._users_found: Mapping[str, BrokerUser] | None = None

    async def check(self) -> Uncounted:
        """See ``broker_port.Broker``."""
        return await self._broker.check()

    async def observe(self, prefix: str, expected: Topology | None = None, at_most: float = 0.0) -> Topology:
        """The first of a pass is compared with the last of the pass before it."""
        observed = await self._broker.observe(prefix, expected, at_most)
        if self._found is None:
            self._before, self._found = self._seen.topology, observed
            if self._before is not None and self._before.queues and not observed.queues and not observed.exchanges:
                self._repairs.append("the broker had lost everything of the route: made again")
                self._before = None
        self._seen.topology = observed
        return observed

    async def observe_after(self, plan: Plan, prefix: str, observed: Topology) -> Topology:
        """What the pass leaves behind."""
        self._seen.topology = await self._broker.observe_after(plan, prefix, observed)
        return self._seen.topology

    async def run(self, plan: Plan) -> None:
        """An operation that brings back what the last pass had left, or takes away what it had not, is a repair."""
        self._seen.topology = None  # unknown, should this end half-way
        await self._broker.run(plan)
        if self._before is not None and self._found is not None:
            found = (_repair(op, self._before, self._found) for batch in plan for op in batch)
            self._repairs += [words for words in found if words]

    async def samples(self) -> Mapping[str, QueueSample]:
        """See ``broker_port.Broker``."""
        return await self._broker.samples()

    async def ticks(self, queues: Collection[str]) -> Mapping[str, QueueTick]:
        """See ``broker_port.Broker``."""
        return await self._broker.ticks(queues)

    async def live(self, queues: Collection[str]) -> Mapping[str, LiveCount]:
        """See ``broker_port.Broker``."""
        return await self._broker.live(queues)

    async def move(self, queue: str, exchange: str, within: float) -> Moved:
        """See ``broker_port.Broker``."""
        return await self._broker.move(queue, exchange, within)

    async def users(self, at_most: float = 0.0) -> Mapping[str, BrokerUser]:
        """The first read of a pass is what others left of the users that the pass before it had left."""
        found = await self._broker.users(at_most)
        if self._users_found is None:
            self._users_before, self._users_found = self._seen.users or {}, found
        self._seen.users = self._theirs(found)
        return found

    async def run_user_ops(self, ops: Sequence[UserOp]) -> None:
        """An operation on a user that was as it should be after the last pass is a repair."""
        users, self._seen.users = self._seen.users or {}, None  # unknown, should this end half-way
        await self._broker.run_user_ops(ops)
        theirs = [op for op in ops if op.name.startswith(self._users)]
        self._seen.users = users_after(users, theirs)
        for name in dict.fromkeys(op.name for op in ops if not isinstance(op, DropUser)):
            before, found = self._users_before.get(name), (self._users_found or {}).get(name)
            if before is not None and found != before:
                done = "deleted: made again" if found is None else "changed: put back"
                self._repairs.append(f"user {name} was {done}")

    def _theirs(self, users: Mapping[str, BrokerUser]) -> dict[str, BrokerUser]:
        return {name: user for name, user in users.items() if name.startswith(self._users)}

    async def close(self) -> None:
        """See ``broker_port.Broker``."""
        await self._broker.close()


def _repair(op: Op, before: Topology, found: Topology) -> str:
    match op:
        case Declare(thing):
            kind = "queue" if isinstance(thing, Queue) else "exchange"
            if thing.name in _of(before, kind) and thing.name not in _of(found, kind):
                return f"{kind} {thing.name} was deleted: made again"
        case Delete("exchange", name) if name in before.exchanges and before.exchanges[name] != found.exchanges[name]:
            return f"exchange {name} was altered: made again"
        case Bind(binding) if binding in before.bindings and binding not in found.bindings:
            # A binding goes with its ends, which are recorded already.
            if binding.source in found.exchanges and binding.target in _of(found, binding.to):
                return f"binding {binding.source} to {binding.target}{_key(binding.key)} was removed: made again"
        case Unbind(binding) if binding not in before.bindings and binding in found.bindings:
            return f"binding {binding.source} to {binding.target}{_key(binding.key)} was added: removed"
    return ""


def _of(topology: Topology, kind: str) -> Mapping[str, object]:
    return topology.queues if kind == "queue" else topology.exchanges


def _key(key: str) -> str:
    return f" for {key}" if key else ""
