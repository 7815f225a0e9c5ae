"""The scaler's loop: runs the observers of every route each tick; one read per broker covers all its queues.

A dead loop stops no worker.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import cast

from merchantroute_operator import metrics
from merchantroute_operator.errors import RouteError
from merchantroute_operator.rabbit.broker_port import Broker
from merchantroute_operator.reconcile.observers.blocked_hubs import report_blocked_hubs
from merchantroute_operator.reconcile.observers.canary_steps import notice_due_canaries
from merchantroute_operator.reconcile.observers.dead_letters import count_dead
from merchantroute_operator.reconcile.observers.lane_scale import scale_lanes
from merchantroute_operator.reconcile.observers.missing_queues import notice_missing_queues
from merchantroute_operator.reconcile.observers.split_shares import watch_splits
from merchantroute_operator.reconcile.observers.tick import Observer, Tick
from merchantroute_operator.reconcile.state.context import Context, Key
from merchantroute_operator.reconcile.state.route_state import RouteState
from merchantroute_operator.topology.objects import QueueSample

logger = logging.getLogger(__name__)
STATUS_EVERY = 5.0  # seconds between two status writes that only bring new figures
# In this order: the lanes' figures are what a canary is judged by.
OBSERVERS: tuple[Observer, ...] = (
    scale_lanes,
    report_blocked_hubs,
    notice_due_canaries,
    watch_splits,
    count_dead,
    notice_missing_queues,
)


class Scaler:
    """One loop for all routes of this operator. ``touch`` asks for a full reconcile of a route, ``update_status`` for
    one that only writes its status; ``tick`` is in seconds.
    """

    def __init__(
        self,
        ctx: Context,
        states: Mapping[Key, RouteState],
        *,
        touch: Callable[[Key], None],
        update_status: Callable[[Key], None],
        tick: float,
    ) -> None:
        self._ctx = ctx
        self._states = states
        self._touch = touch
        self._update_status = update_status
        self._tick = tick
        self._moved = ctx.monotonic()
        self._silent: set[int] = set()  # brokers (by id) that did not answer at the last tick
        self._failing: set[Key] = set()  # routes over which the last tick failed

    def stuck_for(self) -> float:
        """Seconds since the last tick ended, beyond the tick itself."""
        return max(0.0, self._ctx.monotonic() - self._moved - self._tick)

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await self.tick()
            self._moved = self._ctx.monotonic()
            await asyncio.sleep(self._tick)

    async def tick(self) -> None:
        """Look at every route of every broker; a broker that does not answer holds up nobody else's."""
        await asyncio.gather(*(self._broker(broker, users) for broker, users in self._ctx.brokers.users()))

    async def _broker(self, broker: Broker, users: tuple[object, ...]) -> None:
        samples = await self._samples(broker)
        for user in users:
            key = cast(Key, user)
            state = self._states.get(key)
            if state is not None:
                await self._guarded(key, state, samples)

    async def _guarded(self, key: Key, state: RouteState, samples: Mapping[str, QueueSample] | None) -> None:
        """What fails over one route is that route's: the others of the broker, and of all brokers, are looked at."""
        try:
            await self._route(key, state, samples)
        except Exception:
            metrics.UNEXPECTED.labels("tick").inc()
            if key not in self._failing:
                self._failing.add(key)
                logger.exception("route %s/%s cannot be scaled", *key)
        else:
            self._failing.discard(key)

    async def _samples(self, broker: Broker) -> Mapping[str, QueueSample] | None:
        try:
            samples = await broker.samples()
        except Exception as error:
            if not isinstance(error, RouteError):
                metrics.UNEXPECTED.labels("figures").inc()
            if id(broker) not in self._silent:
                self._silent.add(id(broker))
                unexpected = None if isinstance(error, RouteError) else error
                logger.warning("queue figures cannot be read: %s", error, exc_info=unexpected)
            return None
        if id(broker) in self._silent:
            self._silent.discard(id(broker))
            logger.info("queue figures can be read again")
        return samples

    async def _route(self, key: Key, state: RouteState, samples: Mapping[str, QueueSample] | None) -> None:
        if state.route is None or state.findings is None:  # what the status remembers is not read yet
            return
        tick = Tick(self._ctx, key, state, state.route, state.findings.raw, samples)
        asked = [await observer(tick) for observer in OBSERVERS]
        if any(asked):
            self._touch(key)
        elif self._ctx.monotonic() - state.status.written_at >= STATUS_EVERY:
            self._update_status(key)
