"""Counts the route's dead letters for its status."""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.reconcile.observers.tick import Tick


async def count_dead(tick: Tick) -> bool:
    """Remember how many there are; what could not be read is unknown, and never 0."""
    dead = tick.samples.get(naming.dead(*tick.key)) if tick.samples is not None else None
    tick.state.dead = dead.messages if dead is not None else None
    return False
