"""The gate before bindings: a merchant is bound once every ready pod has loaded it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from merchantroute_operator import naming
from merchantroute_operator.spec.lane_specs import lanes
from merchantroute_operator.spec.route import Merchant, Raw, Route
from merchantroute_operator.topology.objects import Topology

PATIENCE = 60.0  # seconds after which a pod that does not load its configuration is named and no longer waited for


@dataclass(frozen=True, slots=True)
class Gate:
    """Ready pods that have not loaded the newest generation: those waited for, and those that had their time."""

    awaited: tuple[str, ...] = ()
    overdue: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether merchants may be bound as the route wants them."""
        return not self.awaited


def gate(ready: Mapping[str, float], loaded: Mapping[str, int], generation: int, *, age: float) -> Gate:
    """The gate ``age`` seconds after ``generation`` was written.

    ``ready`` is pod -> seconds for which it has been ready: a new one has yet to send its first pulse. ``loaded`` is
    pod -> generation, from its newest pulse.
    """
    behind = {pod: min(age, seconds) for pod, seconds in ready.items() if loaded.get(pod, 0) < generation}
    awaited = sorted(pod for pod, seconds in behind.items() if seconds <= PATIENCE)
    overdue = sorted(pod for pod, seconds in behind.items() if seconds > PATIENCE)
    return Gate(tuple(awaited), tuple(overdue))


def reporting_pods(
    route: Route, pods: Mapping[str, Raw], ready: Mapping[str, float], loaded: Mapping[str, int]
) -> dict[str, float]:
    """``ready`` without the pods that may never say what they have loaded.

    Those are pods with a command of their own, until one has sent a pulse all the same.
    """
    silent = {(lane.tier.name, lane.name) for lane in lanes(route) if lane.tier.pod.command}
    return {name: seconds for name, seconds in ready.items() if name in loaded or _lane(pods[name]) not in silent}


def assign(merchants: Collection[Merchant], bound: Mapping[str, str], opened: Gate) -> dict[str, str]:
    """Merchant id -> tier to bind now.

    ``bound`` is what the broker has. While the gate is shut, a listed merchant stays where it is and a new one waits;
    one that is listed no more is let go at once, since pods will not know it either.
    """
    if opened.open:
        return {merchant.id: merchant.tier for merchant in merchants}
    return {merchant.id: bound[merchant.id] for merchant in merchants if merchant.id in bound}


def bound_in(observed: Topology, assigned: str, tier_prefix: str) -> dict[str, str]:
    """Merchant id -> tier as the exchange ``assigned`` has it; ``tier_prefix`` is the front door's name and a dot."""
    return {
        binding.key: binding.target.removeprefix(tier_prefix)
        for binding in observed.bindings
        if binding.source == assigned and binding.target.startswith(tier_prefix)
    }


def _lane(pod: Raw) -> tuple[str, str]:
    labels = pod["metadata"].get("labels", {})
    return labels.get(naming.LABEL_TIER, ""), labels.get(naming.LABEL_LANE, "")
