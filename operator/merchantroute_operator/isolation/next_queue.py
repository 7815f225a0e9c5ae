"""One merchant's own queue after a tick: opened, kept with a share, or closed."""

from __future__ import annotations

from dataclasses import replace

from merchantroute_operator.isolation.cases import Case, Tick
from merchantroute_operator.isolation.closing import calm_long_enough, hold_of_next, is_calm
from merchantroute_operator.isolation.grounds import Ground, never_closes
from merchantroute_operator.isolation.history import Past
from merchantroute_operator.isolation.model import OwnQueue, Why
from merchantroute_operator.isolation.rates.found_rate import told_rate
from merchantroute_operator.isolation.rates.limiting import begun
from merchantroute_operator.isolation.shares import Share, fair_share, limited, next_share, rate, share_of_one_more


def next_queue(case: Case, tick: Tick) -> tuple[OwnQueue | None, Past]:
    """The merchant's queue, None where it has none and needs none, and what is remembered."""
    queue, found = case.queue, case.ground
    if found is not None and (queue is None or queue.stage == "Closing"):
        return _opened(case, found, tick)
    if queue is None:
        return None, case.past
    if queue.stage == "Closing":
        return emptied(case, queue, tick)
    past = _with_calm(case, queue, tick)
    if found is None and calm_long_enough(queue, past, tick.now):
        return closed(queue, past, tick.now)
    why = _why(case, queue, found, tick)
    share = _share(case, past, why, tick)
    return _queue(case, tick, replace(queue, why=why, tier=case.tier, share=share.share), share.past), share.past


def emptied(case: Case, queue: OwnQueue, tick: Tick) -> tuple[OwnQueue, Past]:
    """A queue that is closing, with a share that follows its merchant on: what waits in it is to leave."""
    share = _share(case, case.past, queue.why, tick)
    return _queue(case, tick, replace(queue, share=max(1, share.share)), share.past), share.past


def closed(queue: OwnQueue, past: Past, now: float) -> tuple[OwnQueue, Past]:
    """The queue from which orders are led away, and what is remembered in case that its merchant needs it again."""
    return replace(queue, stage="Closing", share=max(1, queue.share)), replace(
        past, calm_since=None, closed_at=now, hold=queue.hold
    )


def _opened(case: Case, found: Ground, tick: Tick) -> tuple[OwnQueue, Past]:
    hold = hold_of_next(case.past, tick.now)
    limiting = begun(case.past.limiting, tick.now)
    past = replace(case.past, calm_since=None, credit=0, threshold=None, limiting=limiting)
    share = _share(replace(case, queue=None), past, found.why, tick)
    opened = OwnQueue(case.merchant, case.tier, found.why, "Opening", tick.wall, share.share, hold=hold)
    return _queue(case, tick, opened, share.past), share.past


def _queue(case: Case, tick: Tick, queue: OwnQueue, past: Past) -> OwnQueue:
    limits = tick.policy.limits.get(case.merchant)
    probed = queue.why == "Slow" and queue.share == 1 and not past.proven
    asked = rate(limits, probed=probed)
    found = told_rate(past.limiting.rate, queue.rate)
    is_found = found is not None and (asked is None or found < asked)
    until = past.limiting.paused_until
    return replace(
        queue,
        share=limited(queue.share, limits),
        rate=found if is_found else asked,
        burst=1 if limits is None or probed or is_found else limits.burst,
        paused_until=until if until > tick.wall else 0.0,
        found=is_found,
    )


def _with_calm(case: Case, queue: OwnQueue, tick: Tick) -> Past:
    stays = case.frozen or case.ground is not None or never_closes(case.merchant, tick.policy, tick.wall)
    if stays or not is_calm(queue, case.figures, case.past, tick.waiting.get(case.merchant)):
        return replace(case.past, calm_since=None)
    return case.past if case.past.calm_since is not None else replace(case.past, calm_since=tick.now)


def _why(case: Case, queue: OwnQueue, found: Ground | None, tick: Tick) -> Why:
    if found is None:
        return queue.why
    recovers = queue.why in {"Slow", "Held"} and queue.share < _most(case, tick)
    return queue.why if recovers and found.why not in {"Slow", "Held"} else found.why


def _share(case: Case, past: Past, why: Why, tick: Tick) -> Share:
    held = tick.policy.held.get(case.merchant, 0.0) > tick.wall
    at = tick.tiers.get(case.tier)
    if case.queue is not None and not held and (case.frozen or at is None or not at.pods):
        # None where it was held until now, or where others of its group had their turn: ``share_out`` gives the next.
        return Share(max(1, case.queue.share), past)
    return next_share(
        why,
        case.figures,
        case.queue,
        past,
        fair=_most(case, tick),
        waiting=tick.waiting.get(case.merchant),
        held=held,
        pressed=at.pressed if at is not None else False,
    )


def _most(case: Case, tick: Tick) -> int:
    at = tick.tiers.get(case.tier)
    limits = tick.policy.limits.get(case.merchant)
    if at is None:
        return limited(1, limits)
    if case.queue is None and at.pressed:
        return limited(share_of_one_more(at.pods), limits)
    return limited(fair_share(case.merchant, at.pods, wanting=at.wanting, pressed=at.pressed), limits)
