"""Notices queues that somebody deleted: they are made again at once, not at the next timed reconcile."""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.reconcile.observers.tick import Tick
from merchantroute_operator.spec.lane_specs import lanes


async def notice_missing_queues(tick: Tick) -> bool:
    """Whether a queue of one of the route's lanes or ladders, or an open own queue, is not there."""
    if not tick.may_repair or tick.samples is None:
        return False
    wanted = (queue for lane in lanes(tick.route) for queue in (lane.queue, *(name for _, name in lane.rungs)))
    own = (
        naming.own_queue(*tick.key, merchant)
        for merchant, queue in tick.state.own.queues.items()
        if queue.stage == "Open" and merchant not in tick.state.own.refused
    )
    return any(queue not in tick.samples for queue in (*wanted, *own))
