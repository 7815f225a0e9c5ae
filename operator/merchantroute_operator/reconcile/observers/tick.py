"""One route at one tick of the scaler: the input of every observer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.rabbit.vhost.vhost_topology import VhostTopology
from merchantroute_operator.reconcile.state.context import Context, Key
from merchantroute_operator.reconcile.state.route_state import RouteState
from merchantroute_operator.spec.route import Route
from merchantroute_operator.topology.objects import QueueSample


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of all queues of a vhost, one reading, in order, so that no route goes through those of all others.

    ``places`` are the same figures by ``place_of`` the queue. ``policies``, ordered alike, are queue -> policy that
    somebody put on it. ``nodes`` is the most members that a queue of the vhost has.
    """

    samples: Mapping[str, QueueSample]
    places: Mapping[str, Mapping[str, QueueSample]]
    policies: Mapping[str, Mapping[str, str]]
    nodes: int


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at a vhost: ``figures`` are None where they could not be read.

    ``topology`` is read now and then only.
    """

    figures: Figures | None
    topology: VhostTopology | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """``seen`` is of the route's vhost; ``raw`` is the route's object as the last full reconcile read it."""

    ctx: Context
    key: Key
    state: RouteState
    route: Route
    raw: Object
    seen: Seen

    @property
    def samples(self) -> Mapping[str, QueueSample] | None:
        """The figures of all queues of the route's vhost by name; None where they could not be read."""
        return self.seen.figures.samples if self.seen.figures is not None else None

    @property
    def may_repair(self) -> bool:
        """Whether a reconcile would change anything: it does not while the route is paused, or on its way out."""
        return self.route.deleting_since is None and not self.state.paused


Observer = Callable[[Tick], Awaitable[bool]]
"""Takes in what a tick shows, and says whether the route has to be reconciled at once."""


def grouped(samples: Mapping[str, QueueSample]) -> Figures:
    """The reading, in order."""
    places: defaultdict[str, dict[str, QueueSample]] = defaultdict(dict)
    policies: defaultdict[str, dict[str, str]] = defaultdict(dict)
    nodes = 0
    for name, sample in samples.items():
        place = place_of(name)
        places[place][name] = sample
        nodes = max(nodes, sample.members or 0)
        if sample.policy:
            policies[place][name] = sample.policy
    return Figures(samples, dict(places), dict(policies), nodes)


def place_of(name: str) -> str:
    """The first words of a name in the broker, which say whose route's it is."""
    return ".".join(name.split(".", 3)[:3])
