"""What the operator remembers of a route between passes; all of it can be lost with the process and be found again."""

from __future__ import annotations

from dataclasses import dataclass, field

from merchantroute_operator.canary.progress import Progress, Tally
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.naming import SHARDS, credentials_secret
from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.reconcile.state.hub_reports import Hubs
from merchantroute_operator.reconcile.state.lane import Lane
from merchantroute_operator.reconcile.state.seen import Seen
from merchantroute_operator.reconcile.state.split_watch import Parting
from merchantroute_operator.spec.claim import Claim
from merchantroute_operator.spec.route import Route
from merchantroute_operator.topology.drained import EmptyWatch


@dataclass(frozen=True, slots=True)
class Base:
    """What the lanes had done when a walk (``stable``) and its present step (``canary``) began."""

    plan: str
    step: int | None
    stable: Tally
    canary: Tally


@dataclass(slots=True)
class RouteState:
    """One route's memory. Times are monotonic seconds."""

    version: tuple[str, int, int, bool, str] | None = None  # of the route, as last watched
    full: bool = True  # something happened: the next pass looks at everything
    paused: bool = False  # nothing but the status is written
    full_at: float = 0.0  # when it does so anyway
    route: Route | None = None
    claims: tuple[Claim, ...] | None = None  # the Merchant objects that the configuration was made of
    generation: int = 0  # newest configuration that was written
    generation_at: float = 0.0
    drain_ended: bool = False  # by its timeout, and that was told
    still_since: float | None = None  # since when no order changes its queue: the figures of Force must be newer
    empty: EmptyWatch = field(default_factory=EmptyWatch)
    deployments: dict[str, Object] = field(default_factory=dict)  # as last watched
    seen: Seen = field(default_factory=Seen)
    scaled_by: dict[str, str] = field(default_factory=dict)  # Deployment -> whose autoscaler it has
    lanes: dict[tuple[str, str], Lane] = field(default_factory=dict)  # by tier and lane; the route's own is "suspect"
    canaries: dict[str, Progress] | None = None  # by tier, as the last pass left them; None: none came to it yet
    parting: Parting = field(default_factory=Parting)  # how the last pass left each split, and its share since
    hubs: Hubs = field(default_factory=Hubs)  # which pods' standstills were told
    bases: dict[str, Base] = field(default_factory=dict)  # by tier: where the figures of a canary's step begin
    unready_since: dict[str, float] = field(default_factory=dict)  # by tier: a canary that should have a ready pod
    dead: int | None = None  # orders in dead letters; None: unknown
    findings: Findings | None = None  # of the last full pass
    told: Object | None = None  # the status as last written
    told_at: float = 0.0
    figures_at: float = float("-inf")  # when the status's figures last moved

    def uses_secret(self, name: str) -> bool:
        """Whether the route reads, or the operator writes for it, the Secret ``name``."""
        if self.route is None:
            return False
        written = {credentials_secret(self.route.name, part) for part in SHARDS}
        merchants = (m.credentials.secret for m in self.route.merchants if m.credentials)
        return name in {self.route.broker_secret, self.route.worker_secret, *written, *merchants}
