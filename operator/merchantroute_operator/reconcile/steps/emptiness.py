"""Proves that queues are empty before they are deleted: first by their own reports, then by what their leaders say.

Both are needed. Reports count what a rung holds because its target refuses it, and are old; the leaders' word is of
this moment, and counts no such order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from merchantroute_operator.rabbit.broker_port import Broker
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.route_state import RouteState
from merchantroute_operator.topology.objects import QueueSample


async def watch_drained(
    ctx: Context, broker: Broker, state: RouteState, unfed: Collection[str], samples: Mapping[str, QueueSample]
) -> frozenset[str]:
    """Those of ``unfed`` that are drained by now, which takes several passes; see ``EmptyWatch``.

    ``samples`` spare reading the reports of queues that plainly hold orders.
    """
    hopeful = {name for name in unfed if name in samples and samples[name].messages == 0}
    state.empty, drained = state.empty.observe(ctx.monotonic(), await broker.ticks(hopeful), unfed)
    return drained


async def proven_empty(broker: Broker, state: RouteState, drained: Collection[str]) -> frozenset[str]:
    """Those of ``drained`` that hold nothing now and that nobody consumes, so that none of their orders is under way.

    One that holds an order after all is watched from the start again.
    """
    live = await broker.live(drained)
    held = {name for name, count in live.items() if count.ready}
    state.empty = state.empty.anew(held)
    return frozenset(name for name, count in live.items() if not count.ready and not count.consumers)
