"""Dry-run versions of the two ports: writes become sentences that say what would change."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Literal, cast

from merchantroute_operator.kube.kube_port import Kind, Kube, Object
from merchantroute_operator.lane_users.broker_user import BrokerUser, DropUser, Permit, UserOp
from merchantroute_operator.rabbit.broker_port import Broker
from merchantroute_operator.reconcile.ports.caching import CachingKube
from merchantroute_operator.reconcile.state.admitted import Admitted
from merchantroute_operator.reconcile.state.broker_pool import BrokerPool, User
from merchantroute_operator.resources.configuration.config_maps import INDEX
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from merchantroute_operator.topology.objects import (
    Bind,
    Declare,
    Delete,
    LiveCount,
    Moved,
    Op,
    Plan,
    QueueSample,
    QueueTick,
    Topology,
    Uncounted,
)


class DryRunKube(CachingKube):
    """Reads go on to ``kube``; a write becomes a sentence in ``left``. Annotations of pods and events are dropped.

    What admission made of an object (``admitted``) is as wanted.
    """

    def __init__(self, kube: Kube, left: list[str], admitted: Admitted) -> None:
        super().__init__(kube)
        self._left = left
        self._admitted = admitted

    async def apply(self, body: Object) -> Object:
        """An object that is missing, or is not as the spec says."""
        kind, name = body["kind"], body["metadata"]["name"]
        live = self.live.get((kind, name))
        if live is None:
            self._left.append(f"{kind} {name} is missing")
        elif not _is_only_fresher(body, live) and not self._admitted.covers(body, live):
            self._left.append(f"{kind} {name} is not as the spec says")
        return body

    async def create_deployment(self, body: Object, replicas: int) -> None:
        """``apply`` follows, and records it."""

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """What is no longer wanted."""
        del namespace
        self._left.append(f"{kind} {name} is no longer wanted")

    async def annotate_pods(self, namespace: str, names: Sequence[str], annotations: Mapping[str, str]) -> None:
        """Nothing that the spec asks for."""

    async def write_merchant_status(self, namespace: str, name: str, version: int, status: Object) -> Object | None:
        """A status changes nothing that a spec asks for."""

    async def event(self, route: Object, kind: Literal["Normal", "Warning"], reason: str, message: str) -> None:
        """Nothing has happened."""


class DryRunBroker:
    """Reads go on to ``broker``; an operation becomes a sentence in ``left``."""

    def __init__(self, broker: Broker, left: list[str]) -> None:
        self._broker = broker
        self._left = left

    async def check(self) -> Uncounted:
        """See ``broker_port.Broker``."""
        return await self._broker.check()

    async def observe(self, prefix: str, expected: Topology | None = None, at_most: float = 0.0) -> Topology:
        """What is there, also after a plan."""
        return await self._broker.observe(prefix, expected, at_most)

    async def observe_after(self, plan: Plan, prefix: str, observed: Topology) -> Topology:
        """What was there before: nothing was carried out."""
        del plan, prefix
        return observed

    async def run(self, plan: Plan) -> None:
        """Record each operation as a sentence."""
        self._left += [_words(op) for batch in plan for op in batch]

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
        """Orders stay where they are."""
        del queue, exchange, within
        return Moved(0, 0)

    async def users(self, at_most: float = 0.0) -> Mapping[str, BrokerUser]:
        """See ``broker_port.Broker``."""
        return await self._broker.users(at_most)

    async def run_user_ops(self, ops: Sequence[UserOp]) -> None:
        """Record each operation as a sentence."""
        self._left += [_user_words(op) for op in ops]

    async def close(self) -> None:
        """The real one is closed by those who opened it."""


class DryRunBrokers:
    """A ``BrokerPool`` of dry brokers."""

    def __init__(self, brokers: BrokerPool, left: list[str]) -> None:
        self._brokers = brokers
        self._left = left

    async def use(self, user: User, address: BrokerAddress) -> Broker:
        """The real one stays open for the scaler's figures."""
        return DryRunBroker(await self._brokers.use(user, address), self._left)


def dry_run_kube(kube: Kube, left: list[str], admitted: Admitted) -> Kube:
    """``kube`` without its writes."""
    return cast(Kube, DryRunKube(kube, left, admitted))


def dry_run_brokers(brokers: BrokerPool, left: list[str]) -> BrokerPool:
    """``brokers`` without their writes."""
    return cast(BrokerPool, DryRunBrokers(brokers, left))


def _is_only_fresher(body: Object, live: Object) -> bool:
    """Whether a ConfigMap would only get a newer ``renderedAt``: the operator's sign of life, no difference."""
    try:
        wanted, there = (json.loads(each["data"][INDEX]) for each in (body, live))
    except (KeyError, TypeError, ValueError):
        return False
    rest = {**body["data"], INDEX: ""}
    same = rest == {**live["data"], INDEX: ""}
    return same and {**wanted, "renderedAt": 0} == {**there, "renderedAt": 0}


def _words(op: Op) -> str:
    match op:
        case Declare(thing):
            return f"{type(thing).__name__.lower()} {thing.name} is missing"
        case Bind(binding):
            key = f" for {binding.key}" if binding.key else ""
            return f"binding {binding.source} to {binding.target}{key} is missing"
        case Delete():
            return f"{op.kind} {op.name} is no longer wanted"
        case _:
            return f"binding {op.binding.source} to {op.binding.target} is no longer wanted"


def _user_words(op: UserOp) -> str:
    match op:
        case Permit(name):
            return f"permissions of user {name} are not as the spec says"
        case DropUser(name):
            return f"user {name} is no longer wanted"
        case _:
            return f"user {op.name} is missing, or has another password or tag"
