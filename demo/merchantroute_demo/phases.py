"""The story: a baseline, then one merchant hangs, then it heals, then everything is brought to its end.

The same orders at the same rates run through all phases; only the merchant's behaviour changes between them.
"""

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

from merchantroute_demo.board import rows
from merchantroute_demo.errors import StepFailed
from merchantroute_demo.merchants import Merchants
from merchantroute_demo.pressure import Pressure
from merchantroute_demo.replay import Replay
from merchantroute_demo.report import Phase
from merchantroute_demo.roll import Roll
from merchantroute_demo.screen import Screen
from merchantroute_demo.watcher import Watcher

_REFRESH = 0.5
_FRESH = 3  # samples in a row, 2 s apart, of which the last is newer than what was heard: management is up to 5 s late


@dataclass
class Story:
    """One run, told on the screen. `phases` fills as it goes."""

    replay: Replay
    roll: Roll
    watcher: Watcher
    merchants: Merchants
    screen: Screen
    pressure: Pressure

    def __post_init__(self) -> None:
        self.phases: list[Phase] = []
        self._title = ""

    async def tell(self, *, warm_up: float, warm_up_most: float, heal: float, settle_within: float) -> float:
        """Run it all; returns the seconds that it took after the last publish. The merchant is healed in any case."""
        hung = self.pressure.merchant
        async with AsyncExitStack() as stack:
            for background in (self.watcher.run(), self._draw()):
                stack.push_async_callback(_end, asyncio.create_task(background))
            await self._warm_up(warm_up, warm_up_most)
            await self._phase("baseline", self.pressure.phase, "every merchant answers")
            stack.push_async_callback(self.merchants.forgive, hung)
            await self.merchants.behave(hung, behaviour="hang")
            await self._phase("hang", self.pressure.phase, f"{hung} takes calls and never answers")
            await self.merchants.behave(hung, behaviour="normal")
            await self._phase("heal", heal, f"{hung} answers again")
            return await self._settle(settle_within)

    async def _warm_up(self, least: float, most: float) -> None:
        """Let orders flow until the scaler has what it wants: a pod that starts would disturb the baseline."""
        self._begin("warm-up", "orders begin to flow, pods start", least)
        begun = time.monotonic()
        while (past := time.monotonic() - begun) < least or (past < most and not self.watcher.sight.pods_ready):
            await self.replay.phase("warm-up", min(5.0, max(1.0, least - past)))
        self.phases.append(Phase("warm-up", time.monotonic() - begun, self.watcher.sight.queued))

    def _begin(self, name: str, what: str, seconds: float) -> None:
        self.screen.say(f"{name}: {what} ({seconds:.0f} s)", style="bold cyan")
        self._title = f"{name}: {what}"

    async def _phase(self, name: str, seconds: float, what: str) -> None:
        self._begin(name, what, seconds)
        begun = time.monotonic()
        await self.replay.phase(name, seconds)
        self.phases.append(Phase(name, time.monotonic() - begun, self.watcher.sight.queued))

    async def _settle(self, within: float) -> float:
        """Wait until every order has ended, or nothing is queued any more, or the time is up."""
        self.screen.say("settle: no more orders; what waits is brought to its end", style="bold cyan")
        self._title = "settle: waiting for the last orders"
        begun = time.monotonic()
        sight = self.watcher.sight
        sight.empty_for = 0
        while time.monotonic() < begun + within:
            if sight.empty_for >= (2 * _FRESH if self.roll.open() else _FRESH):
                break
            await asyncio.sleep(_REFRESH)
        return time.monotonic() - begun

    async def _draw(self) -> None:
        while True:
            sight = self.watcher.sight
            title = f"{self._title} | {sight.hung} calls hang | {sight.trouble}".rstrip(" |")
            self.screen.show(title, rows(self.roll, sight, hung=self.pressure.merchant, now=time.time()))
            await asyncio.sleep(_REFRESH)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, StepFailed):
        await task
