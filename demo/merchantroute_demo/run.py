"""The demo on the cluster that `make demo` made: find everything, play, report."""

from pathlib import Path

from merchantroute_demo import samples
from merchantroute_demo.cluster import MERCHANTS_PORT, Cluster
from merchantroute_demo.errors import StepFailed
from merchantroute_demo.play import World, play
from merchantroute_demo.pressure import Pressure, PressureError, choose
from merchantroute_demo.readiness import ready_route
from merchantroute_demo.report import look_next, write
from merchantroute_demo.results import words
from merchantroute_demo.route import Route, parse
from merchantroute_demo.screen import Screen
from merchantroute_demo.settings import Settings


async def run(settings: Settings, screen: Screen) -> bool:
    """Whether every promise was kept. StepFailed where the demo could not be run to its end."""
    settings.out.unlink(missing_ok=True)  # what is there afterwards is of this run
    lines = _lines(settings.samples)
    async with Cluster(settings.kubeconfig) as cluster:
        screen.say(f"waiting for the route {settings.namespace}/{settings.route} to be Ready")
        route = parse(await ready_route(cluster, settings.namespace, settings.route, settings.ready_within))
        pressure = _pressure(route, lines, settings)
        broker = await cluster.broker(route)
        sim = f"http://{await cluster.node_address()}:{MERCHANTS_PORT}"
        found = await play(World(route, broker, sim, cluster), lines, pressure, settings, screen)
    write(settings.out, found)
    for line, style in words(found):
        screen.say(line, style=style)
    screen.say("What to look at next:")
    for hint in look_next(settings.kubeconfig, broker.management, settings.out):
        screen.say(f"  {hint}")
    return not found["failures"]


def _lines(path: Path) -> list[samples.Line]:
    try:
        return samples.read(path)
    except (OSError, ValueError) as error:
        raise StepFailed("read the sample orders", str(error), "`git checkout samples/orders.jsonl`") from error


def _pressure(route: Route, lines: list[samples.Line], settings: Settings) -> Pressure:
    try:
        return choose(route, lines, rate=settings.rate, wanted=settings.merchant, healthy=settings.healthy)
    except PressureError as error:
        raise StepFailed("choose the merchant that hangs", str(error), "Or lower concurrency in the route") from error
