"""One run against a route that is Ready, wherever it is: watch, tell the story, reckon.

Everything comes in as plain arguments, so that the same run serves `make demo` and the end-to-end tests.
"""

import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from merchantroute_demo import completions, dead_letters
from merchantroute_demo.broker import Broker, connect
from merchantroute_demo.cluster import Cluster
from merchantroute_demo.errors import StepFailed
from merchantroute_demo.management import Management
from merchantroute_demo.merchants import Merchants
from merchantroute_demo.pressure import Pressure
from merchantroute_demo.producer import Producer
from merchantroute_demo.replay import Replay
from merchantroute_demo.results import results
from merchantroute_demo.roll import Roll
from merchantroute_demo.route import Route
from merchantroute_demo.samples import Line
from merchantroute_demo.schedule import schedule
from merchantroute_demo.screen import Screen
from merchantroute_demo.settings import Settings
from merchantroute_demo.story import Story
from merchantroute_demo.watcher import Watcher


@dataclass(frozen=True)
class World:
    """Where everything is. Without a cluster no pods are counted."""

    route: Route
    broker: Broker
    merchants_url: str
    cluster: Cluster | None = None


async def play(
    world: World, lines: list[Line], pressure: Pressure, settings: Settings, screen: Screen
) -> dict[str, Any]:
    """The results of one run (see `results`). StepFailed where it could not be brought to its end."""
    run = new_run()
    route, begun = world.route, time.monotonic()
    screen.say(f"run {run}: {settings.rate:g} orders/s through {route.front_door}. {pressure}.")
    async with AsyncExitStack() as stack:
        merchants = await stack.enter_async_context(Merchants(world.merchants_url))
        await merchants.behave(None, latency={"p50_ms": settings.p50_ms, "p99_ms": settings.p99_ms})
        await merchants.forgive(pressure.merchant)
        book = await merchants.book_id()
        roll = Roll(route)
        connection = await stack.enter_async_context(await connect(world.broker))
        stack.push_async_callback(await completions.listen(connection, _exchange(route), run, roll.complete))
        await dead_letters.watch(connection, f"{route.front_door}.dead", run, roll.die)
        management = await stack.enter_async_context(Management(world.broker))
        producer = await stack.enter_async_context(Producer(world.broker, route.front_door))
        due = schedule(lines, merchant=pressure.merchant, rate=pressure.hung_rate, other_rate=pressure.other_rate)
        story = Story(
            replay=Replay(producer, run, due, roll.publish),
            roll=roll,
            watcher=Watcher(route, management, merchants, world.cluster),
            merchants=merchants,
            screen=screen,
            pressure=pressure,
        )
        settled = await story.tell(
            warm_up=settings.warm_up,
            warm_up_most=settings.warm_up_most,
            heal=settings.heal,
            settle_within=settings.settle_within,
        )
        if await merchants.book_id() != book:
            raise StepFailed(
                "read the merchants' book",
                "merchant-sim was restarted during the run and its record is lost",
                "Look at `kubectl -n merchants get pods`, then run the demo again",
            )
        sight = story.watcher.sight
        queued = len(roll.open()) if sight.queued is None else sight.queued
        evidence = roll.evidence(await merchants.book(run), queued, producer.repeated)
    found = results(roll, sight, evidence, phases=story.phases, pressure=pressure, seconds=time.monotonic() - begun)
    return {**found, "run": run, "settled_after_seconds": round(settled, 1)}


def new_run() -> str:
    """A name that no earlier run had: the month, day and time of its start."""
    return time.strftime("%m%d%H%M%S", time.gmtime())


def _exchange(route: Route) -> str:
    if route.completions is None:
        raise StepFailed(
            "listen to completions",
            "the route's workers publish none",
            "Set env MR_COMPLETIONS=completions in spec.worker, as manifests/samples/merchantroute.yaml does",
        )
    return route.completions
