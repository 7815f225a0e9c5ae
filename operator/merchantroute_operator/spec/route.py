"""The parsed route: frozen values, units in the names of their types.

Everything downstream (topology, resources, scaling, status) is a function of these. Times are seconds (float) but
for ladder delays, which are whole milliseconds since they name queues.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Raw = Mapping[str, Any]  # a Kubernetes object or a part of one, as JSON


SOONEST = 1_000
"""Milliseconds that an order waits which got no slot: its merchant's own queue is open soon, or a slot is free."""
_FAR = (600_000, 3_600_000, 21_600_000)  # milliseconds: ten minutes, an hour, six hours


@dataclass(frozen=True, slots=True)
class Verify:
    """The call that asks a merchant whether it did a step, for when nobody knows."""

    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the series; ``path`` may hold ``{order_id}`` and ``{merchant}``, and with a ``document`` more."""

    name: str
    method: str
    path: str
    verify: Verify | None = None
    document: Raw | None = field(default=None, hash=False)  # as workers read it, where method and path do not say all
    fields: frozenset[str] = frozenset()  # of the merchant, which its templates need


@dataclass(frozen=True, slots=True)
class Orders:
    """How one order is worked: the series, its limits, its retries."""

    steps: tuple[Step, ...]  # of merchants without a workflow
    call_timeout: float
    deadline: float
    max_age: float
    allow_insecure: bool
    max_attempts: int
    delays: tuple[int, ...]  # milliseconds, strictly increasing
    retry_after_max: float = 600.0
    workflows: Mapping[str, tuple[Step, ...]] = field(default_factory=dict, hash=False)
    answers: tuple[tuple[str, str], ...] = ()  # (answer, Retry | Dead | Done): what differs from the workers' own table

    def steps_of(self, workflow: str | None) -> tuple[Step, ...]:
        """The steps of merchants that say this workflow; none of one that is not there."""
        return self.steps if workflow is None else self.workflows.get(workflow, ())

    @property
    def eta_delays(self) -> tuple[int, ...]:
        """The rungs beyond the delays, for orders that wait for an ETA alone: on the longest delay, two minutes by
        default, an order for tomorrow would be looked at 720 times.
        """
        return tuple(ms for ms in _FAR if ms > self.delays[-1])

    @property
    def rungs(self) -> tuple[int, ...]:
        """All rungs, the shortest first; one of a second is always there, for orders without a slot."""
        return tuple(sorted({SOONEST, *self.delays, *self.eta_delays}))


@dataclass(frozen=True, slots=True)
class Egress:
    """Where calls may go: ranges of addresses and patterns of host names, in lower case.

    ``insecure_hosts`` are patterns of the hosts whose endpoints may be http://, beside ``Orders.allow_insecure``.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    insecure_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scaling:
    """A lane's scaling policy; all times in seconds."""

    min_replicas: int
    max_replicas: int
    target_drain_time: float
    scale_down_after: float
    assumed_order_time: float
    paused: bool


@dataclass(frozen=True, slots=True)
class MerchantLimits:
    """What a merchant bears over all pods: orders in flight, and orders per second with so many at once."""

    max_in_flight: int | None = None
    max_rate: float | None = None
    burst: int = 1


NO_LIMITS = MerchantLimits()
IsolationMode = Literal["Off", "DryRun", "Automatic"]


@dataclass(frozen=True, slots=True)
class IsolationPolicy:
    """Which merchants may, must or must not have a queue of their own, and each merchant's limits.

    ``held`` and ``isolated`` are by hand: merchant -> epoch seconds until which it gets no slot, or has an own queue;
    ``held_groups`` holds all merchants of a group. ``at`` drops those that have passed. ``problems`` are sentences
    about what was asked by hand and counts for nothing.
    """

    mode: IsolationMode = "Automatic"
    pinned: frozenset[str] = frozenset()
    exempt: frozenset[str] = frozenset()  # never opened for being slow or refused
    held: Mapping[str, float] = field(default_factory=dict)
    isolated: Mapping[str, float] = field(default_factory=dict)
    max_own_queues: int = 200
    max_tripped_share: float = 0.5
    default_limits: MerchantLimits = NO_LIMITS  # of merchants of which neither their tier nor themselves say any
    limits: Mapping[str, MerchantLimits] = field(default_factory=dict)  # merchant -> all of its limits, merged
    group_limits: Mapping[str, MerchantLimits] = field(default_factory=dict)  # group -> of its merchants together
    held_groups: Mapping[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def at(self, wall: float) -> IsolationPolicy:
        """The policy as it holds at ``wall`` (epoch seconds): those isolated by hand are pinned, and no hand is bound
        by ``exempt``.
        """
        held = {merchant: end for merchant, end in self.held.items() if wall < end}
        isolated = {merchant: end for merchant, end in self.isolated.items() if wall < end}
        return replace(
            self,
            pinned=self.pinned | isolated.keys(),
            exempt=self.exempt - isolated.keys() - held.keys(),
            held=held,
            isolated=isolated,
            held_groups={group: end for group, end in self.held_groups.items() if wall < end},
        )


@dataclass(frozen=True, slots=True)
class PodOptions:
    """What a lane's pods get from the user: the route's ``worker`` with the tier's overrides merged in."""

    image: str
    app: str
    command: tuple[str, ...] = ()  # in place of the launcher and its app; empty: the launcher
    events: bool = False  # Celery's task events
    fields: Raw = field(default_factory=dict)  # env, envFrom, resources, nodeSelector, tolerations, ... as written


@dataclass(frozen=True, slots=True)
class Tier:
    """A class of merchants with one concurrency, one scaling policy, one ladder."""

    name: str
    pool: str
    concurrency: int
    max_in_flight: int
    scaling: Scaling
    pod: PodOptions
    canary: Canary | None = None
    allowed: tuple[str, ...] = ()  # patterns of the ids of Merchant objects that may claim it
    merchant_limits: MerchantLimits = NO_LIMITS  # of each of its merchants that says none itself


@dataclass(frozen=True, slots=True)
class Walk:
    """How a canary's share rises by itself; ``interval`` in seconds."""

    steps: tuple[int, ...]  # percent, strictly increasing
    interval: float
    min_orders: int
    max_failure_ratio: float
    max_slowdown: float


@dataclass(frozen=True, slots=True)
class Canary:
    """A tier's second lane. ``tier`` is what the tier would be if it were like this lane: pool, slots, pods."""

    tier: Tier
    weight: int  # percent of the tier's orders; of a walk 0 until ``reconcile`` says how far it is
    walk: Walk | None
    plan: str  # digest of what was written: another one begins anew


@dataclass(frozen=True, slots=True)
class Credentials:
    """Which Secret holds a merchant's credentials, and how they are sent."""

    type: str  # Bearer | Basic | Header
    secret: str


@dataclass(frozen=True, slots=True)
class Merchant:
    """One merchant; its id is the routing key of its orders."""

    id: str
    tier: str
    endpoint: str
    credentials: Credentials | None
    limits: MerchantLimits = NO_LIMITS  # its own; ``IsolationPolicy.limits`` has what holds
    group: str | None = None  # as written; None: those whose endpoint has the same host
    workflow: str | None = None  # one of ``Orders.workflows``; None: ``Orders.steps``
    fields: Mapping[str, str | int] = field(default_factory=dict, hash=False)  # for the steps' templates


@dataclass(frozen=True, slots=True)
class Deletion:
    """What becomes of queues and orders when the route goes; ``timeout`` in seconds."""

    policy: str  # Drain | Retain | Force
    timeout: float
    on_timeout: str  # Retain | Force
    dead_letters: str  # Retain | Delete


@dataclass(frozen=True, slots=True)
class Route:
    """A whole ``MerchantRoute``, parsed."""

    namespace: str
    name: str
    uid: str
    generation: int
    deleting_since: float | None  # epoch seconds of metadata.deletionTimestamp
    finalizers: tuple[str, ...]
    broker_secret: str
    worker_secret: str  # the same unless workerSecretRef is given
    orders: Orders
    default_tier: str
    default_endpoint: str | None
    tiers: tuple[Tier, ...]
    merchants: tuple[Merchant, ...]
    deletion: Deletion
    network_policy: bool = True  # whether the operator keeps one
    users_per_lane: bool = False  # whether each lane's pods get a broker user of their own
    egress: Egress = Egress()
    lane_secrets: Mapping[str, str] = field(default_factory=dict)  # Deployment -> Secret that its pods mount instead
    isolation: IsolationPolicy = field(default_factory=IsolationPolicy)

    def mounted_secret(self, deployment: str) -> str:
        """The Secret from which pods of this Deployment know their broker user."""
        return self.lane_secrets.get(deployment, self.worker_secret)

    def tier(self, name: str) -> Tier:
        """The tier of that name (the API server has checked that it exists)."""
        return next(tier for tier in self.tiers if tier.name == name)
