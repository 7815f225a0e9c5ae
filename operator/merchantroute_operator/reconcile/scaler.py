"""The scaler's loops, one a vhost: each tick runs the observers of the vhost's routes over one read of its queues.

A broker that hangs holds up its own routes. A dead loop stops no worker.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from merchantroute_operator import metrics
from merchantroute_operator.errors import RouteError
from merchantroute_operator.rabbit.vhost.vhost_topology import VhostTopology
from merchantroute_operator.reconcile.observers.blocked_hubs import report_blocked_hubs
from merchantroute_operator.reconcile.observers.canary_steps import notice_due_canaries
from merchantroute_operator.reconcile.observers.dead_letters import count_dead
from merchantroute_operator.reconcile.observers.isolated_merchants import decide_own_queues
from merchantroute_operator.reconcile.observers.lane_scale import scale_lanes
from merchantroute_operator.reconcile.observers.missing_queues import notice_missing_queues
from merchantroute_operator.reconcile.observers.queue_members import notice_queue_members
from merchantroute_operator.reconcile.observers.split_shares import watch_splits
from merchantroute_operator.reconcile.observers.tick import Observer, Seen, Tick, grouped
from merchantroute_operator.reconcile.observers.topology_drift import notice_topology_drift
from merchantroute_operator.reconcile.observers.troubled_merchants import notice_troubled_merchants
from merchantroute_operator.reconcile.observers.user_drift import notice_user_drift
from merchantroute_operator.reconcile.state.backoff import Backoff
from merchantroute_operator.reconcile.state.broker_pool import VhostFigures
from merchantroute_operator.reconcile.state.context import Context, Key
from merchantroute_operator.reconcile.state.route_state import RouteState
from merchantroute_operator.supervision import keep_running
from merchantroute_operator.topology.objects import QueueSample

logger = logging.getLogger(__name__)
PATIENCE = 10.0  # seconds for a broker's figures; lanes hold their number of pods when they are 15 s old
LONGEST_REST = 4.0  # seconds for which a broker is left alone after a tick that took as long
LONGEST_SILENCE = 10.0  # seconds between two tries to read figures that could not be read
STATUS_EVERY = 5.0  # seconds between two status writes that only bring new figures
# In this order: own queues are a part of a lane's figures, which are what a canary is judged by.
OBSERVERS: tuple[Observer, ...] = (
    decide_own_queues,
    scale_lanes,
    report_blocked_hubs,
    notice_troubled_merchants,
    notice_due_canaries,
    watch_splits,
    count_dead,
    notice_missing_queues,
    notice_topology_drift,
    notice_user_drift,
    notice_queue_members,
)


class Scaler:
    """The loops for all routes of this operator. ``touch`` asks for a full reconcile of a route, ``update_status`` for
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
        self._beat = ctx.monotonic()
        self._backoffs: dict[int, Backoff] = {}  # of reads of a vhost's figures, by its id
        self._silent: set[int] = set()  # vhosts (by id) that did not answer at the last tick
        self._compared: dict[int, float] = {}  # when each vhost (by id) was read whole
        self._failing: set[Key] = set()  # routes over which the last tick failed

    def stuck_for(self) -> float:
        """Seconds since the heartbeat that lies between two looks for brokers, beyond the tick itself.

        It waits for no server, so that only an event loop that stands still, or is overloaded, is late with it.
        """
        return max(0.0, self._ctx.monotonic() - self._beat - self._tick)

    async def run(self) -> None:
        """Keep a loop for each vhost that is in use, until cancelled."""
        loops: dict[int, tuple[VhostFigures, asyncio.Task[None]]] = {}
        try:
            while True:
                self._beat = self._ctx.monotonic()
                brokers = {id(figures): figures for figures in self._ctx.brokers.vhosts()}
                for gone in loops.keys() - brokers.keys():
                    loops.pop(gone)[1].cancel()
                    self._silent.discard(gone)
                    self._compared.pop(gone, None)
                    self._backoffs.pop(gone, None)
                for new in brokers.keys() - loops.keys():
                    loop = keep_running("broker", partial(self._follow, brokers[new]))
                    loops[new] = brokers[new], asyncio.create_task(loop)
                await asyncio.sleep(self._tick)
        finally:
            for _, task in loops.values():
                task.cancel()
            await asyncio.gather(*(task for _, task in loops.values()), return_exceptions=True)

    async def _follow(self, figures: VhostFigures) -> None:
        """The figures of thousands of queues take a broker seconds: for as long as that it is left alone."""
        while True:
            began = self._ctx.monotonic()
            await self._vhost(figures)
            await asyncio.sleep(max(self._tick, min(self._ctx.monotonic() - began, LONGEST_REST)))

    async def tick(self) -> None:
        """Look once at every route of every vhost."""
        await asyncio.gather(*(self._vhost(figures) for figures in self._ctx.brokers.vhosts()))

    async def _vhost(self, vhost: VhostFigures) -> None:
        samples = await self._samples(vhost)
        topology = await self._topology(vhost) if samples is not None else None
        seen = Seen(grouped(samples) if samples is not None else None, topology)
        for key in vhost.users:
            if (state := self._states.get(key)) is not None:
                await self._guarded(key, state, seen)
                await asyncio.sleep(0)  # hundreds of routes: the Lease's renewal is not to wait for all of them

    async def _guarded(self, key: Key, state: RouteState, seen: Seen) -> None:
        """What fails over one route is that route's: the others of the broker, and of all brokers, are looked at."""
        try:
            await self._route(key, state, seen)
        except Exception:
            metrics.UNEXPECTED.labels("tick").inc()
            if key not in self._failing:
                self._failing.add(key)
                logger.exception("route %s/%s cannot be scaled", *key)
        else:
            self._failing.discard(key)

    async def _topology(self, figures: VhostFigures) -> VhostTopology | None:
        """All of the vhost, once in the time in which every route has to be looked at."""
        now = self._ctx.monotonic()
        if now - self._compared.get(id(figures), float("-inf")) < self._ctx.resync - self._tick:
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                found = await figures.recent(self._tick)
        except Exception as error:  # noqa: BLE001 - routes that are not compared are reconciled in full, and say it
            logger.info("a vhost cannot be compared: %s", str(error) or "no answer in time")
            return None
        self._compared[id(figures)] = now
        return found

    async def _samples(self, broker: VhostFigures) -> Mapping[str, QueueSample] | None:
        backoff = self._backoffs.setdefault(id(broker), Backoff())
        if backoff.holds(self._ctx.monotonic()):
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                samples = await broker.samples()
        except Exception as error:
            asked = error.retry_after if isinstance(error, RouteError) else 0.0
            backoff.failed(self._ctx.monotonic(), longest=LONGEST_SILENCE, asked=asked)
            unexpected = None if isinstance(error, RouteError | TimeoutError) else error
            if unexpected is not None:
                metrics.UNEXPECTED.labels("figures").inc()
            if id(broker) not in self._silent:
                self._silent.add(id(broker))
                words = str(error) or f"no answer within {PATIENCE:.0f} s"
                logger.warning("queue figures cannot be read: %s", words, exc_info=unexpected)
            return None
        backoff.succeeded()
        if id(broker) in self._silent:
            self._silent.discard(id(broker))
            logger.info("queue figures can be read again")
            self._touch_failing(broker)
        return samples

    def _touch_failing(self, broker: VhostFigures) -> None:
        """The broker is back: nobody waits until the next try is due."""
        for key in broker.users:
            if (state := self._states.get(key)) is not None and state.schedule.failures:
                state.schedule.failures = 0
                self._touch(key)

    async def _route(self, key: Key, state: RouteState, seen: Seen) -> None:
        if state.route is None or state.findings is None:  # what the status remembers is not read yet
            return
        # A broker without statistics may still answer with lengths, and nothing says how old they are.
        if state.findings.topology.uncounted.queues:
            seen = replace(seen, figures=None)
        tick = Tick(self._ctx, key, state, state.route, state.findings.raw, seen)
        asked = [await observer(tick) for observer in OBSERVERS]
        # Passes that fail come at growing intervals, whatever is missing because of that.
        if any(asked) and not state.schedule.failures:
            self._touch(key)
        elif self._ctx.monotonic() - state.status.written_at >= STATUS_EVERY:
            self._update_status(key)
