"""The phases of a run: a baseline, then one merchant hangs, then it heals, then everything is brought to its end.

The same orders at the same rates run through all phases; only the merchant's behaviour changes between them.
"""

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

from merchantroute_demo.load import Load
from merchantroute_demo.report import Phase
from merchantroute_demo.route import Route
from merchantroute_demo.schedule import Replay
from merchantroute_demo.screen import Screen, changes, rows
from merchantroute_demo.watcher import Watcher
from merchantroute_kit.accounting.observed_orders import ObservedOrders
from merchantroute_kit.errors import StepFailed
from merchantroute_kit.wire.sim_admin import SimAdmin

_REFRESH = 0.5
_FRESH = 3  # samples in a row, 2 s apart, of which the last is newer than what was heard: management is up to 5 s late


@dataclass
class Phases:
    """One run, told on the screen. `done` fills as it goes."""

    route: Route
    replay: Replay
    observed: ObservedOrders
    watcher: Watcher
    sim: SimAdmin
    screen: Screen
    load: Load

    def __post_init__(self) -> None:
        self.done: list[Phase] = []
        self._title = ""

    async def run(self, *, warm_up: float, warm_up_most: float, heal: float, settle_within: float) -> float:
        """Run it all; returns the seconds that it took after the last publish. The merchant is healed in any case."""
        hung = self.load.merchant
        async with AsyncExitStack() as stack:
            for background in (self.watcher.run(), self._draw()):
                stack.push_async_callback(_end, asyncio.create_task(background))
            await self._warm_up(warm_up, warm_up_most)
            await self._phase("baseline", self.load.phase, "every merchant answers")
            stack.push_async_callback(self.sim.forgive, hung)
            await self.sim.behave(hung, behaviour="hang")
            await self._phase("hang", self.load.phase, f"{hung} takes calls and never answers")
            await self.sim.behave(hung, behaviour="normal")
            await self._phase("heal", heal, f"{hung} answers again")
            return await self._settle(settle_within)

    async def _warm_up(self, least: float, most: float) -> None:
        """Let orders flow until the scaler has what it wants: a pod that starts would disturb the baseline."""
        self._begin("warm-up", "orders begin to flow, pods start", least)
        begun = time.monotonic()
        while (past := time.monotonic() - begun) < least or (past < most and not self.watcher.snapshot.pods_ready):
            await self.replay.phase("warm-up", min(5.0, max(1.0, least - past)))
        self.done.append(Phase("warm-up", time.monotonic() - begun, self.watcher.snapshot.queued))

    def _begin(self, name: str, what: str, seconds: float) -> None:
        self.screen.say(f"{name}: {what} ({seconds:.0f} s)", style="bold cyan")
        self._title = f"{name}: {what}"

    async def _phase(self, name: str, seconds: float, what: str) -> None:
        self._begin(name, what, seconds)
        begun = time.monotonic()
        await self.replay.phase(name, seconds)
        self.done.append(Phase(name, time.monotonic() - begun, self.watcher.snapshot.queued))

    async def _settle(self, within: float) -> float:
        """Wait until every order has ended, or nothing is queued any more, or the time is up."""
        self.screen.say("settle: no more orders; what waits is brought to its end", style="bold cyan")
        self._title = "settle: waiting for the last orders"
        begun = time.monotonic()
        snapshot = self.watcher.snapshot
        snapshot.empty_for = 0
        while time.monotonic() < begun + within:
            if snapshot.empty_for >= (2 * _FRESH if self.observed.open() else _FRESH):
                break
            await asyncio.sleep(_REFRESH)
        return time.monotonic() - begun

    async def _draw(self) -> None:
        own = self.watcher.snapshot.own_queues
        while True:
            snapshot = self.watcher.snapshot
            for change in changes(own, snapshot.own_queues):
                self.screen.say(change, style="yellow")
            own = snapshot.own_queues
            title = f"{self._title} | {snapshot.hung} calls hang | {snapshot.trouble}".rstrip(" |")
            self.screen.show(title, rows(self.route, self.observed, snapshot, hung=self.load.merchant, now=time.time()))
            await asyncio.sleep(_REFRESH)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, StepFailed):
        await task
