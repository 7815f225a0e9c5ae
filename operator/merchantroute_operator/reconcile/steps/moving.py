"""Moves orders that a lane without pods still holds, a slice of each pass, and says how far it is."""

from __future__ import annotations

from collections.abc import Iterable

from merchantroute_operator.rabbit.broker_port import Broker
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.reconcile.state.route_state import RouteState

SLICE = 5.0  # seconds of a pass; the route's other changes, and the broker's other routes, wait no longer


async def move_orders(
    ctx: Context, broker: Broker, state: RouteState, findings: Findings, ways: Iterable[tuple[str, str]]
) -> None:
    """Move what is ready along ``ways`` (queue, exchange) until the slice is over; the next pass goes on."""
    end = ctx.monotonic() + SLICE
    for queue, exchange in ways:
        within = end - ctx.monotonic()
        if within <= 0:
            return
        moved = await broker.move(queue, exchange, within)
        if moved.orders:
            state.moved[queue] = state.moved.get(queue, 0) + moved.orders
            findings.topology.moving = (*findings.topology.moving, _words(queue, state.moved[queue], moved.left))


def _words(queue: str, moved: int, left: int) -> str:
    return f"{moved} orders of {queue} moved, {left} left"
