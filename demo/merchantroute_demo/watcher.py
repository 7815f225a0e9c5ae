"""Poll what cannot be listened to: queues, ladder and pods. A figure that cannot be had stays as it was."""

import asyncio
from dataclasses import dataclass, field

from merchantroute_demo.cluster import Cluster, Pods
from merchantroute_demo.errors import StepFailed
from merchantroute_demo.management import Management, queued
from merchantroute_demo.merchants import Merchants
from merchantroute_demo.route import Route

PERIOD = 2.0  # seconds; management figures are up to 5 s old in any case


@dataclass
class Sight:
    """The latest figures. `queued` is None while unknown; `empty_for` counts samples in a row that showed nothing."""

    messages: dict[str, int | None] = field(default_factory=dict)
    queued: int | None = None
    empty_for: int = 0
    retried: dict[str, int] = field(default_factory=dict)
    pods: dict[str, Pods] = field(default_factory=dict)
    hung: int = 0
    most_hung: int = 0
    trouble: str = ""

    @property
    def pods_ready(self) -> bool:
        """Whether every pod there is is ready; true where pods are not counted."""
        return all(pods.ready == pods.all for pods in self.pods.values())


class Watcher:
    """Keeps a `Sight` current. `retried` counts from the first look, per tier."""

    def __init__(self, route: Route, management: Management, merchants: Merchants, cluster: Cluster | None) -> None:
        self.sight = Sight()
        self._route, self._management, self._merchants, self._cluster = route, management, merchants, cluster
        self._retried_before: dict[str, int] | None = None

    async def run(self) -> None:
        """Look for ever; cancel it to end."""
        while True:
            try:
                await self.look()
                self.sight.trouble = ""
            except StepFailed as failed:
                self.sight.trouble = f"{failed.step}: {failed.why}"
            await asyncio.sleep(PERIOD)

    async def look(self) -> None:
        """One look. StepFailed tells what did not answer."""
        sight, door = self.sight, self._route.front_door
        sight.messages = await self._management.messages(door)
        sight.queued = queued(sight.messages, door)
        sight.empty_for = sight.empty_for + 1 if sight.queued == 0 else 0
        counts = await self._management.published_into([f"{door}.{tier}.retry" for tier in self._route.tiers])
        by_tier = {tier: counts[f"{door}.{tier}.retry"] for tier in self._route.tiers}
        if self._retried_before is None:
            self._retried_before = by_tier
        sight.retried = {tier: count - self._retried_before[tier] for tier, count in by_tier.items()}
        sight.hung = await self._merchants.hung()
        sight.most_hung = max(sight.most_hung, sight.hung)
        if self._cluster is not None:
            sight.pods = await self._cluster.pods(self._route)
