"""The own queues of a route's merchants between passes: what was decided, and how far pods and broker are with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from merchantroute_operator.isolation.groups.route_groups import RouteGroups
from merchantroute_operator.isolation.history import Memory
from merchantroute_operator.isolation.model import OwnQueue, Waiting
from merchantroute_operator.isolation.parts import Written
from merchantroute_operator.spec.route import Merchant, Raw, Route
from merchantroute_operator.status.own_queues import remembered

MOST_GENERATIONS = 32
"""Generations of the configuration of which the parts are remembered; of older ones each pod's largest."""
Parts = Mapping[str, Mapping[str, int]]
"""Merchant -> pod -> part."""


@dataclass(frozen=True, slots=True)
class Named:
    """Since when (generation, monotonic seconds) the configuration names a merchant's queue to a tier's pods."""

    tier: str
    generation: int
    at: float


@dataclass(frozen=True, slots=True)
class WrittenParts:
    """All parts in one generation of the configuration."""

    generation: int
    parts: Parts


@dataclass(slots=True)
class OwnQueues:
    """``queues`` are as the route's status has them; all else is found again, or forgotten, after a restart."""

    queues: dict[str, OwnQueue] = field(default_factory=dict)  # by merchant
    memory: Memory = field(default_factory=Memory)
    waiting: Mapping[str, Waiting] = field(default_factory=dict)  # by merchant; what is not known is left out
    frozen: str | None = None  # why nothing is decided, in words
    without_room: int = 0  # merchants that need a queue and have none
    refused: dict[str, str] = field(default_factory=dict)  # merchant -> why the broker has no queue for it
    named: dict[str, Named] = field(default_factory=dict)  # by merchant
    written: tuple[WrittenParts, ...] = ()  # oldest first
    drained: frozenset[str] = frozenset()  # queues that are drained, so that pods need not consume them
    asked_at: dict[str, float] = field(default_factory=dict)  # merchant -> when (monotonic) its queue was decided on
    opened: int = 0  # by this process
    seconds_to_open: float = 0.0  # of those, added up
    restored: bool = False
    _tiers: tuple[tuple[Merchant, ...], Mapping[str, str]] = ((), {})
    _groups: tuple[tuple[Merchant, ...], str | None, RouteGroups] = ((), None, RouteGroups((), None))

    def restore(self, status: Raw) -> None:
        """Take over what an operator before this one had decided; once."""
        if not self.restored:
            self.restored = True
            self.queues = remembered(status)

    def tiers_of(self, route: Route) -> Mapping[str, str]:
        """Merchant -> its tier; made anew only where the list of merchants is another one."""
        if self._tiers[0] is not route.merchants:
            self._tiers = route.merchants, {merchant.id: merchant.tier for merchant in route.merchants}
        return self._tiers[1]

    def groups_of(self, route: Route) -> RouteGroups:
        """Which merchants stand or fall together; made anew only where the list of merchants is another one."""
        if self._groups[0] is not route.merchants or self._groups[1] != route.default_endpoint:
            made = RouteGroups(route.merchants, route.default_endpoint)
            self._groups = route.merchants, route.default_endpoint, made
        return self._groups[2]

    def copy(self) -> OwnQueues:
        """A copy for a pass that writes nothing."""
        return replace(
            self,
            queues=dict(self.queues),
            refused=dict(self.refused),
            named=dict(self.named),
            asked_at=dict(self.asked_at),
        )

    def saw(self, generation: int, parts: Parts) -> None:
        """The configuration is of this generation, and gives out these parts."""
        if not generation or (self.written[-1].parts if self.written else {}) == parts:
            return
        self.written = (*self.written, WrittenParts(generation, parts))
        if len(self.written) > MOST_GENERATIONS:
            oldest, second, *rest = self.written
            self.written = (WrittenParts(oldest.generation, _largest(oldest.parts, second.parts)), *rest)

    def forget_before(self, loaded: Iterable[int | None]) -> None:
        """Forget the parts of generations by which no pod runs any more, of those that are ``loaded``."""
        oldest = min((0 if generation is None else generation for generation in loaded), default=None)
        if oldest is None:
            self.written = self.written[-1:]
            return
        # What was not written anew in a generation is as in the one before it.
        before = [each.generation for each in self.written if each.generation <= oldest]
        self.written = tuple(each for each in self.written if each.generation >= max(before, default=0))

    def written_for(self, merchant: str) -> tuple[Written, ...]:
        """The merchant's parts in each generation."""
        return tuple(Written(each.generation, each.parts.get(merchant, {})) for each in self.written)

    def open(self, merchant: str, now: float) -> None:
        """Orders are led to the merchant's queue since just now."""
        queue = self.queues.get(merchant)
        if queue is None or queue.stage != "Opening":
            return
        self.queues[merchant] = replace(queue, stage="Open")
        self.opened += 1
        self.seconds_to_open += max(0.0, now - self.asked_at.pop(merchant, now))

    def close(self, merchants: Iterable[str]) -> None:
        """Lead away from their queues, whatever was decided."""
        for merchant in merchants:
            queue = self.queues[merchant]
            self.queues[merchant] = replace(queue, stage="Closing", share=max(1, queue.share))

    def drop(self, merchants: Iterable[str]) -> None:
        """Forget those that are closed, and of which nothing is left in the broker."""
        for merchant in list(merchants):
            for each in (self.queues, self.refused, self.named, self.asked_at):
                each.pop(merchant, None)

    def waiting_orders(self) -> dict[str, int]:
        """Merchant -> orders that wait in its queue."""
        return {merchant: waiting.ready for merchant, waiting in self.waiting.items() if merchant in self.queues}


def in_tiers(route: Route, queues: Mapping[str, OwnQueue]) -> dict[str, OwnQueue]:
    """The queues, each in a tier that the route has: one that is gone has no pods that could consume them."""
    tiers = {tier.name for tier in route.tiers}
    return {
        merchant: queue if queue.tier in tiers else replace(queue, tier=route.default_tier)
        for merchant, queue in queues.items()
    }


def share_now(queue: OwnQueue) -> int:
    """Orders in flight that all pods may have. One that is closed is emptied, also where nothing was to begin; only at
    a host that fails it waits for its turn.
    """
    return max(1, queue.share) if queue.stage == "Closing" and queue.why == "Held" else queue.share


def _largest(one: Parts, other: Parts) -> dict[str, dict[str, int]]:
    return {
        merchant: {
            pod: max(one.get(merchant, {}).get(pod, 0), other.get(merchant, {}).get(pod, 0))
            for pod in {**one.get(merchant, {}), **other.get(merchant, {})}
        }
        for merchant in {**one, **other}
    }
