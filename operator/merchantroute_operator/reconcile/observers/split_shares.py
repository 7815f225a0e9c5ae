"""Checks whether each split distributes orders by its weight."""

from __future__ import annotations

from merchantroute_operator.reconcile.observers.tick import Tick


async def watch_splits(tick: Tick) -> bool:
    """Whether a split has to be built anew; where that has not helped, an event says so."""
    if not tick.may_repair or tick.samples is None:
        return False
    watch = tick.state.split_watch
    for words in watch.watch(tick.route, tick.samples, tick.ctx.monotonic()):
        await tick.ctx.kube.event(tick.raw, "Warning", "CanaryShareOff", words)
    return bool(watch.shunned)
