"""One run of the demo: find the route on the cluster that `make demo` made, play the phases, report."""

import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from merchantroute_demo.cluster import MERCHANTS_PORT, Cluster, ready_route
from merchantroute_demo.load import Load, LoadError, choose
from merchantroute_demo.phases import Phases
from merchantroute_demo.report import look_next, results, words, write
from merchantroute_demo.route import Route, parse
from merchantroute_demo.schedule import Replay, schedule
from merchantroute_demo.screen import Screen
from merchantroute_demo.settings import Settings
from merchantroute_demo.watcher import Watcher
from merchantroute_kit.accounting.observed_orders import ObservedOrders
from merchantroute_kit.errors import StepFailed
from merchantroute_kit.wire import completions, dead_letters
from merchantroute_kit.wire.broker import Broker, connect
from merchantroute_kit.wire.hosts import in_url
from merchantroute_kit.wire.management import Management
from merchantroute_kit.wire.producer import Producer
from merchantroute_kit.wire.sim_admin import SimAdmin
from merchantroute_samples.lines import Line, read


async def run(settings: Settings, screen: Screen) -> bool:
    """Whether every promise was kept. StepFailed where the demo could not be run to its end."""
    settings.out.unlink(missing_ok=True)  # what is there afterwards is of this run
    lines = _lines(settings.samples)
    async with Cluster(settings.kubeconfig) as cluster:
        screen.say(f"waiting for the route {settings.namespace}/{settings.route} to be Ready")
        route = parse(await ready_route(cluster, settings.namespace, settings.route, settings.ready_within))
        load = _load(route, lines, settings)
        broker = await cluster.broker(route)
        sim = f"http://{in_url(await cluster.node_address())}:{MERCHANTS_PORT}"
        found = await _play(cluster, route, broker, sim, lines, load, settings, screen)
    write(settings.out, found)
    for line, style in words(found):
        screen.say(line, style=style)
    screen.say("What to look at next:")
    for hint in look_next(settings.kubeconfig, broker.management, settings.out):
        screen.say(f"  {hint}")
    return not found["failures"]


async def _play(
    cluster: Cluster,
    route: Route,
    broker: Broker,
    sim_url: str,
    lines: list[Line],
    load: Load,
    settings: Settings,
    screen: Screen,
) -> dict[str, Any]:
    """The results of one run (see `results`). StepFailed where it could not be brought to its end."""
    run = new_run()
    begun = time.monotonic()
    screen.say(f"run {run}: {settings.rate:g} orders/s through {route.front_door}. {load}.")
    async with AsyncExitStack() as stack:
        sim = await stack.enter_async_context(SimAdmin(sim_url))
        await sim.behave(None, latency={"p50_ms": settings.p50_ms, "p99_ms": settings.p99_ms})
        await sim.forgive(load.merchant)
        book = await sim.book_id()
        observed = ObservedOrders(route.steps, route.merchants)
        connection = await stack.enter_async_context(await connect(broker))
        stack.push_async_callback(await completions.listen(connection, _exchange(route), run, observed.complete))
        await dead_letters.watch(connection, f"{route.front_door}.dead", run, observed.die)
        management = await stack.enter_async_context(Management(broker))
        producer = await stack.enter_async_context(Producer(broker, route.front_door))
        due = schedule(lines, merchant=load.merchant, rate=load.hung_rate, other_rate=load.other_rate)
        phases = Phases(
            route=route,
            replay=Replay(producer, run, due, observed.publish),
            observed=observed,
            watcher=Watcher(route, management, sim, cluster),
            sim=sim,
            screen=screen,
            load=load,
        )
        settled = await phases.run(
            warm_up=settings.warm_up,
            warm_up_most=settings.warm_up_most,
            heal=settings.heal,
            settle_within=settings.settle_within,
        )
        if await sim.book_id() != book:
            raise StepFailed(
                "read the merchants' book",
                "merchant-sim was restarted during the run and its record is lost",
                "Look at `kubectl -n merchants get pods`, then run the demo again",
            )
        snapshot = phases.watcher.snapshot
        queued = len(observed.open()) if snapshot.queued is None else snapshot.queued
        evidence = observed.evidence(await sim.book(run), queued, producer.repeated)
    found = results(observed, snapshot, evidence, phases=phases.done, load=load, seconds=time.monotonic() - begun)
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


def _lines(path: Path) -> list[Line]:
    try:
        return read(path)
    except (OSError, ValueError) as error:
        raise StepFailed("read the sample orders", str(error), "`git checkout samples/orders.jsonl`") from error


def _load(route: Route, lines: list[Line], settings: Settings) -> Load:
    try:
        return choose(route, lines, rate=settings.rate, wanted=settings.merchant, healthy=settings.healthy)
    except LoadError as error:
        raise StepFailed("choose the merchant that hangs", str(error), "Or lower concurrency in the route") from error
