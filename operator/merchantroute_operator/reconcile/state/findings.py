"""What a full pass found out about a route: the input of its status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from merchantroute_operator.errors import RouteError
from merchantroute_operator.kube.kube_port import Children, Object
from merchantroute_operator.reconcile.state.gate import Gate
from merchantroute_operator.spec.merge import Merged
from merchantroute_operator.spec.route import Route
from merchantroute_operator.spec.sections.pause import NO_PAUSE, Pause

NOBODY = Children({}, {}, {}, {})


@dataclass(slots=True)
class Findings:
    """Filled as the pass goes on; what it did not come to stays at its default."""

    raw: Object
    route: Route | None = None
    error: RouteError | None = None
    queues_ready: bool = False
    door_open: bool = False
    children: Children = NOBODY
    generation: int = 0
    aborted: frozenset[str] = frozenset()  # tiers whose canary was aborted: its pods go at once
    gate: Gate = field(default_factory=Gate)
    conflicts: tuple[str, ...] = ()
    credential_problems: Mapping[str, str] = field(default_factory=dict)  # merchant -> why it has none
    foreign_fields: tuple[str, ...] = ()  # of our objects, that somebody else set
    merged: Merged | None = None  # the Merchant objects: who was taken, who was not
    behind: bool = False  # there are newer objects, which the next pass takes
    claimed: frozenset[str] = frozenset()  # merchants that come from objects: what they lack is told on those
    claim_problems: Mapping[str, str] = field(default_factory=dict)  # of those: merchant -> why it has no credentials
    bound: Mapping[str, str] | None = None  # merchant -> tier in the broker; None: the pass did not come to it
    unbound: int = 0  # of the spec's own merchants, those not bound where it wants them
    retiring: tuple[str, ...] = ()  # queues that wait to be empty
    pause: Pause = NO_PAUSE  # as asked for
    paused: bool = False  # whether it holds now
    pending: tuple[str, ...] = ()  # while paused: what a pass would have changed
    ending: str = ""  # on the way out: what is waited for
