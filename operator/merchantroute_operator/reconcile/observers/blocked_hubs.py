"""Reports pods whose code blocks gevent's hub, as their pulses say: an event on the route."""

from __future__ import annotations

from merchantroute_operator.reconcile.observers.tick import Tick
from merchantroute_operator.reconcile.state.hub_reports import HUB_BLOCKED


async def report_blocked_hubs(tick: Tick) -> bool:
    """Write an event for each pod whose hub was blocked since the last one."""
    ctx, route = tick.ctx, tick.route
    pulses = ctx.pulses.of(route.namespace, route.name)
    for words in tick.state.hub_reports.news(pulses, ctx.monotonic()):
        await ctx.kube.event(tick.raw, "Warning", HUB_BLOCKED, words)
    return False
