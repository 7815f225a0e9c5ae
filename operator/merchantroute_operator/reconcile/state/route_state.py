"""What the operator remembers of a route between passes; all of it can be lost with the process and be found again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from merchantroute_operator.canary.progress import Progress, Tally
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.naming import SHARDS, credentials_secret
from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.reconcile.state.hub_reports import HubReports
from merchantroute_operator.reconcile.state.lane import Lane
from merchantroute_operator.reconcile.state.seen import Seen
from merchantroute_operator.reconcile.state.split_watch import SplitWatch
from merchantroute_operator.spec.claim import Claim
from merchantroute_operator.spec.route import Route
from merchantroute_operator.topology.drained import EmptyWatch
from merchantroute_operator.topology.membership import Membership


@dataclass(frozen=True, slots=True)
class Base:
    """What the lanes had done when a walk (``stable``) and its present step (``canary``) began."""

    plan: str
    step: int | None
    stable: Tally
    canary: Tally


@dataclass(slots=True)
class Schedule:
    """When the route is to be reconciled fully; times are monotonic seconds."""

    version: tuple[str, int, int, bool, str] | None = None  # of the route, as last watched
    full: bool = True  # something happened: the next reconcile looks at everything
    full_at: float = 0.0  # when it does so anyway
    failures: int = 0  # full reconciles in a row that ended by an error


@dataclass(slots=True)
class ConfigurationState:
    """The workers' configuration as last written."""

    generation: int = 0
    written_at: float = 0.0  # monotonic seconds
    claims: tuple[Claim, ...] | None = None  # the Merchant objects that it was made of


@dataclass(slots=True)
class CanaryState:
    """The canaries, by tier."""

    progress: dict[str, Progress] | None = None  # as the last reconcile left them; None: none came to it yet
    bases: dict[str, Base] = field(default_factory=dict)  # where the figures of a canary's step begin
    unready_since: dict[str, float] = field(default_factory=dict)  # a canary that should have a ready pod


@dataclass(slots=True)
class DeletionState:
    """How far a route's deletion is."""

    drain_ended: bool = False  # by its timeout, and that was reported
    still_since: float | None = None  # since when no order changes its queue: the figures of Force must be newer


@dataclass(slots=True)
class StatusState:
    """The status as last written; times are monotonic seconds."""

    written: Object | None = None
    written_at: float = 0.0
    figures_at: float = float("-inf")  # when its figures last moved


@dataclass(slots=True)
class RouteState:
    """One route's memory. ``uid`` is the object's: one that is made anew under the same name is another route."""

    uid: str = ""  # empty until a reconcile has read it
    anew: bool = False  # the watch, which shows each Deployment once, may have shown them before
    schedule: Schedule = field(default_factory=Schedule)
    configuration: ConfigurationState = field(default_factory=ConfigurationState)
    canary: CanaryState = field(default_factory=CanaryState)
    deletion: DeletionState = field(default_factory=DeletionState)
    status: StatusState = field(default_factory=StatusState)
    route: Route | None = None
    findings: Findings | None = None  # of the last full reconcile
    paused: bool = False  # nothing but the status is written
    deployments: dict[str, Object] = field(default_factory=dict)  # as last watched
    lanes: dict[tuple[str, str], Lane] = field(default_factory=dict)  # by tier and lane; the route's own is "suspect"
    scaled_by: dict[str, str] = field(default_factory=dict)  # Deployment -> whose autoscaler it has
    credentials_refused: dict[str, float] = field(default_factory=dict)  # merchant -> when a pod last said so
    dead: int | None = None  # orders in dead letters; None: unknown
    membership: Membership = field(default_factory=Membership)
    empty: EmptyWatch = field(default_factory=EmptyWatch)
    seen: Seen = field(default_factory=Seen)
    split_watch: SplitWatch = field(default_factory=SplitWatch)
    hub_reports: HubReports = field(default_factory=HubReports)

    def successor(self) -> RouteState:
        """The memory of a route that was made anew under the same name: nothing but when it is due."""
        self.schedule.failures = 0
        return RouteState(schedule=self.schedule, anew=True)

    def copy(self) -> RouteState:
        """A copy for a reconcile that writes nothing: what it counts up is not remembered."""
        return replace(self, configuration=replace(self.configuration), canary=replace(self.canary))

    def uses_secret(self, name: str) -> bool:
        """Whether the route reads, or the operator writes for it, the Secret ``name``."""
        if self.route is None:
            return False
        written = {credentials_secret(self.route.name, part) for part in SHARDS}
        merchants = (m.credentials.secret for m in self.route.merchants if m.credentials)
        return name in {self.route.broker_secret, self.route.worker_secret, *written, *merchants}
