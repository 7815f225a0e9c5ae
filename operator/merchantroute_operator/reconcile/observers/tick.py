"""One route at one tick of the scaler: the input of every observer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.reconcile.state.context import Context, Key
from merchantroute_operator.reconcile.state.route_state import RouteState
from merchantroute_operator.spec.route import Route
from merchantroute_operator.topology.objects import QueueSample


@dataclass(frozen=True, slots=True)
class Tick:
    """``samples`` are the figures of all queues of the route's broker by name, None where they could not be read;
    ``raw`` is the route's object as the last full reconcile read it.
    """

    ctx: Context
    key: Key
    state: RouteState
    route: Route
    raw: Object
    samples: Mapping[str, QueueSample] | None

    @property
    def may_repair(self) -> bool:
        """Whether a reconcile would change anything: it does not while the route is paused, or on its way out."""
        return self.route.deleting_since is None and not self.state.paused


Observer = Callable[[Tick], Awaitable[bool]]
"""Takes in what a tick shows, and says whether the route has to be reconciled at once."""
