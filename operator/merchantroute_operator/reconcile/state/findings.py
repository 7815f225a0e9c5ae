"""Findings of a full reconcile of a route: the input of its status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from merchantroute_operator.errors import RouteError
from merchantroute_operator.kube.kube_port import Children, Object
from merchantroute_operator.reconcile.state.gate import Gate
from merchantroute_operator.spec.merge import Merged
from merchantroute_operator.spec.route import Route
from merchantroute_operator.spec.sections.pause import NO_PAUSE, Pause
from merchantroute_operator.topology.objects import COUNTS_ALL, Uncounted

NO_CHILDREN = Children({}, {}, {}, {})


@dataclass(slots=True)
class TopologyFindings:
    """The route in the broker."""

    broker: str = ""  # where it is; empty: the reconcile did not come to it
    uncounted: Uncounted = COUNTS_ALL
    queues_ready: bool = False
    door_open: bool = False
    conflicts: tuple[str, ...] = ()
    bound: Mapping[str, str] | None = None  # merchant -> its tier; None: the reconcile did not come to it
    unbound: int = 0  # of the spec's own merchants, those not bound where it wants them
    retiring: tuple[str, ...] = ()  # queues that wait to be empty
    moving: tuple[str, ...] = ()  # how far it is with orders of lanes without pods, in words
    drained: frozenset[str] = frozenset()  # those of them that are empty, as far as statistics can tell


@dataclass(slots=True)
class MerchantFindings:
    """The Merchant objects and everybody's credentials."""

    merged: Merged | None = None  # the objects: who was taken, who was not
    behind: bool = False  # there are newer objects, which the next reconcile takes
    claimed: frozenset[str] = frozenset()  # merchants that come from objects: what they lack is said on those
    claim_problems: Mapping[str, str] = field(default_factory=dict)  # of those: merchant -> why it has no credentials
    credential_problems: Mapping[str, str] = field(default_factory=dict)  # of the others
    unfit: Mapping[str, str] = field(default_factory=dict)  # of the route's own list: where -> why no worker calls it
    credentials_refused: frozenset[str] = frozenset()  # merchants that refuse their credentials, as pods say
    forbidden: frozenset[str] = frozenset()  # merchants that lead where no call may go, as pods say


@dataclass(slots=True)
class ConfigurationFindings:
    """The workers' configuration, and which pods have loaded it."""

    generation: int = 0
    gate: Gate = field(default_factory=Gate)
    superseded: bool = False  # there are objects of it that only pods mount which are to be replaced


@dataclass(slots=True)
class OwnFindings:
    """The merchants' own queues."""

    unfinished: bool = False  # a share is not given out yet
    opening: bool = False  # a queue is not led to yet
    awaited: bool = False  # pods are about to load the newest parts
    closing: tuple[str, ...] = ()  # queues that wait to be empty


@dataclass(slots=True)
class UserFindings:
    """The lanes' broker users."""

    checked: bool = False  # the reconcile came to them
    versions: Mapping[str, str] = field(default_factory=dict)  # Secret of a lane's user -> its resourceVersion
    problem: RouteError | None = None  # why some lane has none of its own, or one is left that should not be


@dataclass(slots=True)
class PauseFindings:
    """Whether the route is left alone."""

    asked: Pause = NO_PAUSE
    holds: bool = False
    pending: tuple[str, ...] = ()  # what a reconcile would have changed


@dataclass(slots=True)
class ForeignFindings:
    """What others did to the route's objects."""

    foreign_fields: tuple[str, ...] = ()


@dataclass(slots=True)
class Findings:
    """Filled as the reconcile goes on; what it did not come to stays at its default."""

    raw: Object
    listed: int = 0  # merchants in its spec, which make the object large
    route: Route | None = None
    error: RouteError | None = None
    beside: RouteError | None = None  # of what orders flow without: a budget, the policy
    tentative: bool = False  # nothing was looked at, and nothing better is known yet: the status stays as it is
    children: Children = NO_CHILDREN
    topology: TopologyFindings = field(default_factory=TopologyFindings)
    merchants: MerchantFindings = field(default_factory=MerchantFindings)
    configuration: ConfigurationFindings = field(default_factory=ConfigurationFindings)
    own: OwnFindings = field(default_factory=OwnFindings)
    users: UserFindings = field(default_factory=UserFindings)
    pause: PauseFindings = field(default_factory=PauseFindings)
    foreign: ForeignFindings = field(default_factory=ForeignFindings)
    aborted: frozenset[str] = frozenset()  # tiers whose canary was aborted: its pods go at once
    ending: str = ""  # on the way out: what is waited for
