"""Notices that a canary's next step is due: the step itself is made by a reconcile."""

from __future__ import annotations

from merchantroute_operator.reconcile.observers.tick import Tick
from merchantroute_operator.reconcile.steps.canary import is_due


async def notice_due_canaries(tick: Tick) -> bool:
    """Whether a canary has to advance, to go back, or to be judged now."""
    return tick.may_repair and is_due(tick.ctx, tick.state, tick.route)
