"""A watcher of queues, ladder and pods, which are polled. A figure that cannot be had stays as it was."""

import asyncio
from dataclasses import dataclass, field

from merchantroute_demo.cluster import Cluster, Pods
from merchantroute_demo.route import OwnQueue, Route
from merchantroute_kit.errors import StepFailed
from merchantroute_kit.wire.management import Management, queued
from merchantroute_kit.wire.sim_admin import SimAdmin

PERIOD = 2.0  # seconds; management figures are up to 5 s old in any case


@dataclass
class Snapshot:
    """The latest figures. `queued` is None while unknown; `empty_for` counts samples in a row that showed nothing."""

    messages: dict[str, int | None] = field(default_factory=dict)
    queued: int | None = None
    empty_for: int = 0
    retried: dict[str, int] = field(default_factory=dict)
    pods: dict[str, Pods] = field(default_factory=dict)
    own_queues: dict[str, OwnQueue] = field(default_factory=dict)
    hung: int = 0
    most_hung: int = 0
    trouble: str = ""

    @property
    def pods_ready(self) -> bool:
        """Whether every pod there is is ready; true where pods are not counted."""
        return all(pods.ready == pods.all for pods in self.pods.values())


class Watcher:
    """Keeps a `Snapshot` current. `retried` counts from the first look, per tier."""

    def __init__(self, route: Route, management: Management, sim: SimAdmin, cluster: Cluster | None) -> None:
        self.snapshot = Snapshot()
        self._route, self._management, self._sim, self._cluster = route, management, sim, cluster
        self._retried_before: dict[str, int] | None = None

    async def run(self) -> None:
        """Look for ever; cancel it to end."""
        while True:
            try:
                await self.look()
                self.snapshot.trouble = ""
            except StepFailed as failed:
                self.snapshot.trouble = f"{failed.step}: {failed.why}"
            await asyncio.sleep(PERIOD)

    async def look(self) -> None:
        """One look. StepFailed tells what did not answer."""
        snapshot, door = self.snapshot, self._route.front_door
        snapshot.messages = await self._management.messages(door)
        snapshot.queued = queued(snapshot.messages, door)
        snapshot.empty_for = snapshot.empty_for + 1 if snapshot.queued == 0 else 0
        counts = await self._management.published_into([f"{door}.{tier}.retry" for tier in self._route.tiers])
        by_tier = {tier: counts[f"{door}.{tier}.retry"] for tier in self._route.tiers}
        if self._retried_before is None:
            self._retried_before = by_tier
        snapshot.retried = {tier: count - self._retried_before[tier] for tier, count in by_tier.items()}
        snapshot.hung = await self._sim.hung()
        snapshot.most_hung = max(snapshot.most_hung, snapshot.hung)
        if self._cluster is not None:
            snapshot.pods = await self._cluster.pods(self._route)
            snapshot.own_queues = await self._cluster.own_queues(self._route)
