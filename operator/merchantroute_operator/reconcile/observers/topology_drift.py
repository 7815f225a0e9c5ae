"""Notices that the route's part of the broker is not as the last reconcile left it.

Nothing is changed by what is seen here, which is read once for all routes of the vhost: a reconcile reads anew.
"""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.reconcile.observers.tick import Tick


async def notice_topology_drift(tick: Tick) -> bool:
    """Whether an exchange, a queue or a binding is other than the last reconcile left it."""
    if tick.seen.topology is None or not tick.may_repair:
        return False
    found = tick.seen.topology.of(naming.front_door(*tick.key))
    if found != tick.state.seen.topology:
        return True
    tick.state.seen.topology = found  # equal, and its parts are shared with those of all other routes
    tick.state.schedule.compared_at = tick.ctx.monotonic()
    return False
