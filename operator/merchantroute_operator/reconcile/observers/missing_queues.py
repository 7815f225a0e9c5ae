"""Notices queues that somebody deleted: they are made again at once, not at the next timed reconcile."""

from __future__ import annotations

from merchantroute_operator.reconcile.observers.tick import Tick
from merchantroute_operator.spec.lane_specs import lanes


async def notice_missing_queues(tick: Tick) -> bool:
    """Whether a queue of one of the route's lanes or ladders is not there."""
    if not tick.may_repair or tick.samples is None:
        return False
    wanted = (queue for lane in lanes(tick.route) for queue in (lane.queue, *(name for _, name in lane.rungs)))
    return any(queue not in tick.samples for queue in wanted)
