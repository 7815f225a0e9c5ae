"""Notices queues of the route that lack members, on a broker of several nodes."""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.reconcile.observers.tick import Tick, place_of
from merchantroute_operator.topology.membership import membership


async def notice_queue_members(tick: Tick) -> bool:
    """Whether a queue began or ceased to have a majority. What could not be read stays as it was."""
    if (figures := tick.seen.figures) is None:
        return False
    place = naming.front_door(*tick.key)
    mine = figures.places.get(place_of(place), {})
    before = tick.state.membership
    tick.state.membership = membership(
        {name: sample for name, sample in mine.items() if name.startswith(f"{place}.")}, figures.nodes
    )
    return before.lost != tick.state.membership.lost
