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
class Seen:
    """One look at a vhost: ``samples`` are the figures of all its queues by name, None where they could not be read.

    ``policies`` are by ``place_of`` a queue's name. ``topology`` is read now and then only.
    """

    samples: Mapping[str, QueueSample] | None
    policies: Mapping[str, Mapping[str, str]]
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
        return self.seen.samples

    @property
    def may_repair(self) -> bool:
        """Whether a reconcile would change anything: it does not while the route is paused, or on its way out."""
        return self.route.deleting_since is None and not self.state.paused


Observer = Callable[[Tick], Awaitable[bool]]
"""Takes in what a tick shows, and says whether the route has to be reconciled at once."""


def by_place(samples: Mapping[str, QueueSample] | None) -> Mapping[str, Mapping[str, str]]:
    """Queue -> policy that somebody put on it, by ``place_of`` the queue."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for name, sample in (samples or {}).items():
        if sample.policy:
            found[place_of(name)][name] = sample.policy
    return found


def place_of(name: str) -> str:
    """The first words of a name in the broker, which say whose route's it is."""
    return ".".join(name.split(".", 3)[:3])
