"""Notices queues of the route that lack members, on a broker of several nodes."""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.reconcile.observers.tick import Tick
from merchantroute_operator.topology.membership import membership


async def notice_queue_members(tick: Tick) -> bool:
    """Whether a queue began or ceased to have a majority. What could not be read stays as it was."""
    if tick.samples is None:
        return False
    prefix = f"{naming.front_door(*tick.key)}."
    before = tick.state.membership
    tick.state.membership = membership((name for name in tick.samples if name.startswith(prefix)), tick.samples)
    return before.lost != tick.state.membership.lost
