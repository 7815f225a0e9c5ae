"""The input of the status: what a reconcile saw and did, as values, so that a condition is a pure function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from merchantroute_operator.errors import RouteError
from merchantroute_operator.isolation.model import OwnQueue
from merchantroute_operator.scaling.model import Decision, Observation
from merchantroute_operator.spec.route import Raw, Route
from merchantroute_operator.spec.sections.pause import NO_PAUSE, Pause
from merchantroute_operator.topology.membership import Membership
from merchantroute_operator.topology.objects import COUNTS_ALL, Uncounted


@dataclass(frozen=True, slots=True)
class LaneView:
    """One lane: the scaler's last observation and decision (None before its first tick), its ladder, its pods."""

    tier: str
    lane: str
    queue: str
    observation: Observation | None
    decision: Decision | None
    retrying: int | None  # orders on the tier's rungs; None: unknown
    slow: int | None  # merchants that are slow in some pod; None: unknown, or no pod
    paused: int | None  # merchants that asked some pod for time; None: unknown, or no pod
    pods: int | None  # that the Deployment has, ready or not; None: there is no Deployment
    generation: int | None  # the configuration that every ready pod has loaded; None: unknown, or no pod


@dataclass(frozen=True, slots=True)
class View:
    """One pass over one route. What the pass did not come to stays at its default."""

    generation: int  # metadata.generation of the spec that the pass worked on
    route: Route | None = None  # None: it could not be parsed, ``error`` says why
    error: RouteError | None = None
    beside: RouteError | None = None  # of what orders flow without: a budget, the policy
    reporting: bool = False  # pods of every lane that has some said just now that they work
    broker: str = ""  # host and vhost of the broker with the front door; empty: the pass did not come to it
    uncounted: Uncounted = COUNTS_ALL
    queues_ready: bool = False  # every exchange, queue and inner binding is there
    membership: Membership = field(default_factory=Membership)  # of its queues in a broker of several nodes
    door_open: bool = False
    config_generation: int = 0
    deployments: Mapping[str, Raw] = field(default_factory=dict)  # live, by name
    pods: Mapping[str, Raw] = field(default_factory=dict)
    waking: frozenset[str] = frozenset()  # Deployments that had no pods until a moment ago
    lagging: tuple[str, ...] = ()  # ready pods that have not loaded config_generation for over 60 s
    foreign_fields: tuple[str, ...] = ()  # of our objects, that somebody else set
    scaled_by: Mapping[str, str] = field(default_factory=dict)  # Deployment -> whose autoscaler it has
    unbound: int = 0  # merchants that are not bound where the spec wants them
    retiring: tuple[str, ...] = ()  # queues that wait to be empty
    moving: tuple[str, ...] = ()  # how far it is with orders of lanes without pods, in words
    conflicts: tuple[str, ...] = ()
    merchant_conflicts: tuple[str, ...] = ()  # ids that two claim
    credential_problems: Mapping[str, str] = field(default_factory=dict)  # merchant -> why it has none
    unfit: Mapping[str, str] = field(default_factory=dict)  # where in the spec -> why no worker calls it
    credentials_refused: tuple[str, ...] = ()  # merchants that refuse their credentials, as pods say
    forbidden: tuple[str, ...] = ()  # merchants that lead where no call may go, as pods say
    foreign_policies: Mapping[str, str] = field(default_factory=dict)  # queue -> policy
    lanes: tuple[LaneView, ...] = ()
    dead: int | None = None  # orders in dead letters; None: unknown
    canaries: tuple[dict[str, Any], ...] | None = None  # as the status shows them; None: no reconcile came to it yet
    own_queues: Mapping[str, OwnQueue] | None = None  # merchant -> its own; None: no reconcile came to them yet
    own_waiting: Mapping[str, int] = field(default_factory=dict)  # merchant -> orders in its own queue, where known
    without_room: int = 0  # merchants that have a reason for an own queue and none, since there are too many
    own_refused: Mapping[str, str] = field(default_factory=dict)  # merchant -> why the broker has no queue for it
    failing_groups: tuple[str, ...] = ()  # of merchants that have one share together
    isolation_frozen: str = ""  # why nothing is opened for now, in words
    users_checked: bool = False  # the pass came to the lanes' broker users
    users_problem: RouteError | None = None  # why some lane has none of its own, or one is left
    pause: Pause = NO_PAUSE  # as asked for
    paused: bool = False  # whether it holds now
    pending: tuple[str, ...] = ()  # while paused: what a pass would have changed
    ending: str = ""  # set while the route is being deleted: what is waited for


@dataclass(frozen=True, slots=True)
class Condition:
    """One answer; ``conditions.merge`` adds when it last changed."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
