"""The two ports in memory, so that a pass can be watched call by call; contract tests hold the real ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace

from merchantroute_operator.errors import KubeConflict, KubeError, RouteError, UsersNotAllowed
from merchantroute_operator.kube.kube_port import Autoscaler, Children, Kind, Object, SecretData
from merchantroute_operator.lane_users.broker_user import (
    BrokerUser,
    DropUser,
    Permit,
    PutUser,
    UserOp,
    users_after,
)
from merchantroute_operator.naming import AUXILIARY_KINDS, LABEL_ROUTE
from merchantroute_operator.rabbit.broker_port import Broker
from merchantroute_operator.rabbit.vhost.vhost_topology import VhostTopology, vhost_topology
from merchantroute_operator.resources.workload.own_pods import is_worker
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from merchantroute_operator.topology.objects import (
    COUNTS_ALL,
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
    Unbind,
    Uncounted,
)
from merchantroute_operator.topology.queries import touched_by
from tests.unit.operator.order_routing import NOTHING, run
from tests.unit.operator.route_samples import CLUSTER

BROKER = {"host": b"rabbit", "port": b"5672", "username": b"u", "password": b"p4ss"}


@dataclass
class MemoryKube:
    """An API server with one route; ``log`` gets a word for every write."""

    log: list[str]
    stored: Object | None
    objects: dict[tuple[str, str], Object] = field(default_factory=dict)
    secrets: dict[str, SecretData] = field(default_factory=lambda: {"rabbitmq": SecretData("rabbitmq", {}, BROKER)})
    status: Object = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    terminating: bool = False
    claims: dict[str, Object] = field(default_factory=dict)  # Merchant objects by name
    has_merchants: bool = True  # whether the kind is installed
    kinds: tuple[str, ...] = ("ServiceAccount", "PodDisruptionBudget", "NetworkPolicy")  # beside the built-in ones
    refusing: KubeError | None = None  # what a dry run is answered with
    mutate: Callable[[Object], Object] = lambda body: body  # what admission makes of an applied object
    scalers: list[Autoscaler] = field(default_factory=list)
    server_clock: float | None = None  # epoch seconds

    async def cluster_id(self) -> str:
        return CLUSTER

    async def versions(self, kind: str, namespaces: Sequence[str]) -> Mapping[tuple[str, str], str]:
        del kind, namespaces
        return {}

    def server_time(self) -> float | None:
        return self.server_clock

    async def route(self, namespace: str, name: str) -> Object | None:
        del namespace
        if self.stored is None or self.stored["metadata"]["name"] != name:
            return None
        return {**self.stored, "status": self.status}

    async def merchants(self, namespace: str) -> list[Object] | None:
        del namespace
        return list(self.claims.values()) if self.has_merchants else None

    async def write_merchant_status(self, namespace: str, name: str, version: int, status: Object) -> Object | None:
        del namespace
        stored = self.claims.get(name)
        if stored is None:
            return None
        if stored["metadata"]["resourceVersion"] != str(version):
            raise KubeConflict(name)
        metadata = {**stored["metadata"], "resourceVersion": str(version + 1)}
        self.claims[name] = {**stored, "metadata": metadata, "status": status}
        self.log.append(f"status of {name}")
        return self.claims[name]

    async def namespace_is_terminating(self, namespace: str) -> bool:
        del namespace
        return self.terminating

    async def children(self, namespace: str, route: str) -> Children:
        del namespace

        def of(kind: str) -> dict[str, Object]:
            return {
                name: body
                for (its_kind, name), body in self.objects.items()
                if its_kind == kind and body["metadata"]["labels"].get(LABEL_ROUTE) == route
            }

        others = {kind: of(kind) for kind in AUXILIARY_KINDS if kind in self.kinds}
        workers = {name: pod for name, pod in of("Pod").items() if is_worker(pod, route)}
        return Children(of("Deployment"), of("ConfigMap"), of("Secret"), workers, others)

    async def secret(self, namespace: str, name: str) -> SecretData | None:
        del namespace
        return self.secrets.get(name)

    async def credential_secrets(self, namespace: str) -> Mapping[str, SecretData]:
        del namespace
        return self.secrets

    async def autoscalers(self, namespace: str) -> Sequence[Autoscaler]:
        del namespace
        return self.scalers

    async def apply(self, body: Object) -> Object:
        merged = self._merged(body)
        self.objects[body["kind"], body["metadata"]["name"]] = merged
        self.log.append(f"apply {body['kind']}")
        return merged

    async def dry_run(self, body: Object) -> Object:
        if self.refusing:
            raise self.refusing
        return self._merged(body)

    def _merged(self, body: Object) -> Object:
        old = self.objects.get((body["kind"], body["metadata"]["name"]), {}).get("spec", {})
        replicas = {"replicas": old["replicas"]} if "replicas" in old else {}
        body = self.mutate(deepcopy(body))
        return {**body, **({"spec": {**body["spec"], **replicas}} if "spec" in body else {})}

    async def create_deployment(self, body: Object, replicas: int) -> None:
        named = {**body, "spec": {**body["spec"], "replicas": replicas}}
        self.objects["Deployment", body["metadata"]["name"]] = named
        self.log.append("create Deployment")

    async def scale(self, namespace: str, deployment: str, replicas: int) -> None:
        del namespace
        self.objects["Deployment", deployment]["spec"]["replicas"] = replicas
        self.log.append(f"scale {deployment} to {replicas}")

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        del namespace
        self.objects.pop((kind, name), None)
        self.log.append(f"delete {kind}")

    async def annotate_pods(self, namespace: str, names: Sequence[str], annotations: Mapping[str, str]) -> None:
        del namespace
        for name in names:
            self.objects["Pod", name]["metadata"].setdefault("annotations", {}).update(annotations)
            self.log.append(f"annotate {name}")

    async def write_status(self, route: Object, status: Object) -> str:
        if self.stored is None:
            return ""
        if self.stored["metadata"]["uid"] != route["metadata"]["uid"]:
            raise KubeConflict("another")
        self.status = status
        self.log.append("status")
        return str(route["metadata"]["resourceVersion"])

    async def set_finalizers(self, route: Object, finalizers: Sequence[str]) -> None:
        self.stored = {**route, "metadata": {**route["metadata"], "finalizers": list(finalizers)}}
        self.log.append(f"finalizers {list(finalizers)}")

    async def drop_annotation(self, route: Object, key: str) -> None:
        annotations = {k: v for k, v in route["metadata"]["annotations"].items() if k != key}
        stored = {name: part for name, part in route.items() if name != "status"}
        self.stored = {**stored, "metadata": {**route["metadata"], "annotations": annotations}}
        self.log.append(f"drop {key}")

    async def event(self, route: Object, kind: str, reason: str, message: str) -> None:
        del route
        self.events.append(f"{kind} {reason}: {message}")


@dataclass
class MemoryBroker:
    """A broker that routes nothing; ``failing`` is raised by every call."""

    log: list[str]
    topology: Topology = NOTHING
    held: dict[str, int] = field(default_factory=dict)
    unacked: dict[str, int] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    published: dict[str, int] = field(default_factory=dict)
    members: dict[str, tuple[int, int]] = field(default_factory=dict)  # queue -> members, and those online
    failing: RouteError | None = None
    slice: int = 1_000_000  # orders that are moved at once
    uncounted: Uncounted = COUNTS_ALL
    observed: int = 0  # how often the vhost was read whole
    reports: int = 0  # how often its queues have reported
    late: dict[str, int] = field(default_factory=dict)  # orders that no report counts yet
    consumers: dict[str, int] = field(default_factory=dict)  # by queue
    accounts: dict[str, BrokerUser] = field(default_factory=dict)  # users, by name
    administrator: bool = True  # whether the operator's user is one
    unreadable_users: RouteError | None = None  # what reading users is answered with
    refusing_users: RouteError | None = None  # what every change of users is answered with

    async def check(self) -> Uncounted:
        if self.failing:
            raise self.failing
        return self.uncounted

    async def observe(self, prefix: str, expected: Topology | None = None, at_most: float = 0.0) -> Topology:
        del prefix, expected, at_most
        self.observed += 1
        return self.topology

    async def observe_after(self, plan: Plan, prefix: str, observed: Topology) -> Topology:
        """What was not of the plan is not looked at."""
        touched = touched_by(plan)
        if touched is None or touched.exchanges or touched.queues:
            return await self.observe(prefix)
        exchanges = touched.sources
        kept = {binding for binding in observed.bindings if binding.source not in exchanges}
        now = {binding for binding in self.topology.bindings if binding.source in exchanges}
        return replace(observed, bindings=frozenset(kept | now))

    async def run(self, plan: Plan) -> None:
        self.topology = run(self.topology, plan)
        self.log.extend(_word(op) for batch in plan for op in batch)

    async def samples(self) -> Mapping[str, QueueSample]:
        return {
            name: QueueSample(
                self.held.get(name, 0),
                self.held.get(name, 0),
                self.unacked.get(name, 0),
                self.published.get(name, 0),
                0,
                self.policies.get(name),
                *self.members.get(name, (1, 1)),
            )
            for name in self.topology.queues
        }

    async def ticks(self, queues: Collection[str]) -> Mapping[str, QueueTick]:
        """Each reading is of a newer report."""
        self.reports += 1
        return {
            name: QueueTick(self.held.get(name, 0), self.reports) for name in self.topology.queues.keys() & set(queues)
        }

    async def live(self, queues: Collection[str]) -> Mapping[str, LiveCount]:
        return {
            name: LiveCount(self.held.get(name, 0) + self.late.get(name, 0), self.consumers.get(name, 0))
            for name in self.topology.queues.keys() & set(queues)
        }

    async def move(self, queue: str, exchange: str, within: float) -> Moved:
        """At most ``slice`` at once."""
        assert within > 0
        self.log.append(f"move {queue} to {exchange}")
        there = self.held.pop(queue, 0)
        left = max(0, there - self.slice)
        self.held.update({queue: left} if left else {})
        return Moved(there - left, left)

    async def users(self, at_most: float = 0.0) -> Mapping[str, BrokerUser]:
        assert at_most >= 0
        if not self.administrator:
            raise UsersNotAllowed("the operator's user is no administrator")
        if self.unreadable_users:
            raise self.unreadable_users
        return dict(self.accounts)

    async def run_user_ops(self, ops: Sequence[UserOp]) -> None:
        if self.refusing_users:
            raise self.refusing_users
        self.accounts = users_after(self.accounts, ops)
        self.log.extend(_user_word(op) for op in ops)

    async def close(self) -> None:
        """Nothing to let go of."""


@dataclass
class OneVhost:
    """``VhostFigures`` of one broker."""

    broker: Broker
    _users: dict[Hashable, BrokerAddress]

    @property
    def users(self) -> tuple[Hashable, ...]:
        return tuple(self._users)

    async def samples(self) -> Mapping[str, QueueSample]:
        return await self.broker.samples()

    async def recent(self, at_most: float) -> VhostTopology:
        del at_most
        seen = await self.broker.observe("mr")
        return vhost_topology(0.0, seen.exchanges.values(), seen.queues.values(), seen.bindings)


class OneBroker:
    """``BrokerPool`` with one broker, whatever the address."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self._users: dict[Hashable, BrokerAddress] = {}
        self._vhosts = [OneVhost(broker, self._users)]

    async def use(self, user: Hashable, address: BrokerAddress) -> Broker:
        self._users[user] = address
        return self.broker

    def address(self, user: Hashable) -> BrokerAddress | None:
        return self._users.get(user)

    def known(self, user: Hashable) -> Broker | None:
        return self.broker if user in self._users else None

    async def release(self, user: Hashable) -> None:
        self._users.pop(user, None)

    def vhosts(self) -> Iterable[OneVhost]:
        return self._vhosts


def _word(op: Op) -> str:
    match op:
        case Declare(thing):
            return f"declare {thing.name}"
        case Bind(binding):
            return f"bind {binding.source} {binding.key}".rstrip()
        case Unbind(binding):
            return f"unbind {binding.source} {binding.key}".rstrip()
        case Delete():
            return f"delete {op.name}"


def _user_word(op: UserOp) -> str:
    verb = {PutUser: "put user", Permit: "permit", DropUser: "drop user"}[type(op)]
    return f"{verb} {op.name}"
