"""What the operator remembers of a route between passes; all of it can be lost with the process and be found again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from merchantroute_operator.canary.progress import Progress, Tally
from merchantroute_operator.errors import RouteError
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.reconcile.state.backoff import Backoff
from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.reconcile.state.hub_reports import HubReports
from merchantroute_operator.reconcile.state.lane import Lane
from merchantroute_operator.reconcile.state.own.own_memory import OwnQueues
from merchantroute_operator.reconcile.state.seen import Seen
from merchantroute_operator.reconcile.state.split_watch import SplitWatch
from merchantroute_operator.spec.claim import Claim
from merchantroute_operator.spec.route import Route
from merchantroute_operator.status.damping import Standing
from merchantroute_operator.topology.drained import EmptyWatch
from merchantroute_operator.topology.membership import Membership


@dataclass(frozen=True, slots=True)
class Base:
    """What the lanes had done when a walk (``stable``) and its present step (``canary``) began.

    ``carried`` is what the stable lane did in the walk before this process watched it.
    """

    plan: str
    step: int | None
    since: float  # epoch seconds: when the step began, or was begun again
    at: float  # monotonic seconds: when this process saw it begin
    stable: Tally
    canary: Tally
    carried: Tally = Tally()  # noqa: RUF009 - frozen


@dataclass(slots=True)
class Schedule:
    """When the route is to be reconciled fully; times are monotonic seconds."""

    version: tuple[str, int, int, bool, str] | None = None  # of the route, as last watched
    full: bool = True  # something happened: the next reconcile looks at everything
    full_at: float = 0.0  # when it does so anyway
    failures: int = 0  # full reconciles in a row that ended by an error
    settled: bool = False  # the last full reconcile found nothing to do, and waits for nothing
    passed_at: float = float("-inf")  # when it ended
    compared_at: float = float("-inf")  # when the broker was last seen to be as it left it
    failing_since: float = 0.0  # when the first of them ended
    failure: RouteError | None = None  # the newest one's error


@dataclass(slots=True)
class ConfigurationState:
    """The workers' configuration as last written."""

    generation: int = 0
    written_at: float = 0.0  # monotonic seconds
    contents: str = ""  # digest of what holds for every merchant, and of each merchant's entry
    contents_since: int = 0  # the generation in which all but the own queues last changed
    contents_at: float = 0.0  # monotonic seconds at which it did
    claims: tuple[Claim, ...] | None = None  # the Merchant objects that it was made of


@dataclass(slots=True)
class CanaryState:
    """The canaries, by tier."""

    progress: dict[str, Progress] | None = None  # as the last reconcile left them; None: none came to it yet
    bases: dict[str, Base] = field(default_factory=dict)  # where the figures of a canary's step begin
    unready_since: dict[str, float] = field(default_factory=dict)  # a canary that should have a ready pod
    failing_since: dict[str, float] = field(default_factory=dict)  # one that has none by its own doing


@dataclass(slots=True)
class DeletionState:
    """How far a route's deletion is; times are monotonic seconds."""

    asked_at: float | None = None
    ending: dict[str, float] = field(default_factory=dict)  # pods -> when each was first seen to be deleted
    drain_ended: bool = False  # by its timeout, and that was reported
    still_since: float | None = None  # since when no order changes its queue: the figures of Force must be newer


@dataclass(slots=True)
class StatusState:
    """The status as last written; times are monotonic seconds."""

    written: Object | None = None
    told: Object | None = None  # also where it was found to be as it should be, and was not written
    written_at: float = 0.0
    figures_at: float = float("-inf")  # when its figures last moved
    asleep_at: dict[str, float] = field(default_factory=dict)  # Deployment -> when it was last seen to want no pods
    standing: Standing = field(default_factory=Standing)
    backoff: Backoff = field(default_factory=Backoff)  # of its writes


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
    findings: Findings | None = None  # what the status is made of: of the last full reconcile
    good: Findings | None = None  # of the last one that came to its end
    paused: bool = False  # nothing but the status is written
    deployments: dict[str, Object] = field(default_factory=dict)  # as last watched
    broker_secret: tuple[str, str] = ("", "")  # name and version of the Secret that the last reconcile read
    lanes: dict[tuple[str, str], Lane] = field(default_factory=dict)  # by tier and lane; the route's own is "suspect"
    scaled_by: dict[str, str] = field(default_factory=dict)  # Deployment -> whose autoscaler it has
    credentials_refused: dict[str, float] = field(default_factory=dict)  # merchant -> when a pod last said so
    forbidden: dict[str, float] = field(default_factory=dict)  # merchant -> when a pod last said where it leads
    repairs: int = 0  # of what others had changed
    dead: int | None = None  # orders in dead letters; None: unknown
    moved: dict[str, int] = field(default_factory=dict)  # queue -> orders that were moved away, by this process
    membership: Membership = field(default_factory=Membership)
    empty: EmptyWatch = field(default_factory=EmptyWatch)
    seen: Seen = field(default_factory=Seen)
    split_watch: SplitWatch = field(default_factory=SplitWatch)
    hub_reports: HubReports = field(default_factory=HubReports)
    own: OwnQueues = field(default_factory=OwnQueues)

    def successor(self) -> RouteState:
        """The memory of a route that was made anew under the same name: nothing but when it is due."""
        self.schedule.failures = 0
        return RouteState(schedule=self.schedule, anew=True)

    def drop_deployments(self, known: Mapping[str, Object], listed: Mapping[str, Object]) -> None:
        """Forget those ``known`` before a list that it does not have: they went while no watch was there to see it.

        One that the watch has shown anew meanwhile is another one.
        """
        for name, body in known.items():
            if name not in listed and self.deployments.get(name) is body:
                del self.deployments[name]

    def copy(self) -> RouteState:
        """A copy for a reconcile that writes nothing: what it counts up is not remembered."""
        return replace(
            self, configuration=replace(self.configuration), canary=replace(self.canary), own=self.own.copy()
        )
