"""How many orders of an own queue may be in flight over all pods.

A slow merchant begins with one. Its successes raise that as in TCP's slow start: each by three up to a quarter of the
fair share, and by one from there on, so that it grows fourfold and then doubles with each round. Above half of what it
had when it failed last, a whole round of successes raises it by an eighth. Failures halve it. A healed merchant's
backlog so leaves at a pace that it bears.

The fair share is max-min, as in the pods: what they could give to one more merchant, and what the merchant has there
already. Where slots are free the merchant may have them, but for a few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from merchantroute_operator.isolation.conviction import Figures
from merchantroute_operator.isolation.evidence import MOST_SLOTS
from merchantroute_operator.isolation.history import Past
from merchantroute_operator.isolation.model import MerchantLimits, OwnQueue, PodFigures, Waiting, Why

KEPT_FREE = 20
"""One slot in so many of a pod stays free for orders of the lane."""
HEADROOM = 1.25
"""How much of what it has in flight a healthy merchant may have before there is a need to look for free slots."""
PROBES = 1.0
"""Orders a second of a slow merchant that has one slot."""
FAILING_SHARE = 0.25
"""Attempts that failed, of all since the last tick, that halve the share."""
QUICK, QUICK_UP_TO = 3, 0.25
"""By how much a success raises the share, and up to which part of the fair share."""
STEP = 8
"""Above what it bore last, a round of successes raises the share by one in so many."""
STEADY, GROWS_BY = 0.25, 0.1
"""Of a share: how much of it is lost at most in a tick, and how much there must be to win. Each change is a new
configuration for the pods.
"""


@dataclass(frozen=True, slots=True)
class Share:
    """The share, and what is remembered for the next tick."""

    share: int
    past: Past


def fair_share(merchant: str, pods: Sequence[PodFigures], *, wanting: int = 1, pressed: bool = False) -> int:
    """The merchant's fair share of all slots of its tier, at least 1.

    ``wanting`` own queues have a backlog, and share what is free. Unless the lane is ``pressed``, each may have a
    quarter more than it has, up to an equal part beside the others and the lane: orders in flight vary.
    """
    one_more = has = free = slots = 0
    for pod in pods:
        of_pod = _within(pod.slots)
        slots += of_pod
        one_more += min(max(0, pod.fair_share), of_pod)
        known = pod.merchants.get(merchant)
        has += 0 if known is None else min(max(0, known.in_flight), of_pod)
        free += 0 if pod.busy is None else of_pod - min(max(0, pod.busy), of_pod)
    room = has + (free - slots // KEPT_FREE) / max(1, wanting)
    more = 0.0 if pressed else min(has * HEADROOM, slots / (wanting + 1))
    return max(1, min(slots, int(max(one_more, room, more))))


def share_of_one_more(pods: Sequence[PodFigures]) -> int:
    """What the pods could give to one more merchant, at least 1: the share of one whose orders are still in the lane.

    What it has there is no measure: a flood may hold nearly all slots, and with turns would keep the half of them.
    """
    return max(1, sum(min(max(0, pod.fair_share), _within(pod.slots)) for pod in pods))


def of_a_size(pods: Sequence[PodFigures]) -> list[PodFigures]:
    """The pods, each with no more slots than another one has: those of a tier are alike."""
    if len(pods) < 2:
        return list(pods)
    most = sorted(_within(pod.slots) for pod in pods)[-2]
    return [pod if pod.slots <= most else replace(pod, slots=most) for pod in pods]


def slots_of(pods: Sequence[PodFigures]) -> int:
    """The slots of all pods of a tier."""
    return sum(_within(pod.slots) for pod in pods)


def _within(slots: int) -> int:
    return min(max(0, slots), MOST_SLOTS)


def next_share(
    why: Why,
    figures: Figures,
    queue: OwnQueue | None,
    past: Past,
    *,
    fair: int,
    waiting: Waiting | None,
    held: bool,
    pressed: bool = False,
) -> Share:
    """The share at this tick, without the merchant's limits. ``pressed``: the lane's orders wait for the slots."""
    if held:
        return Share(0, replace(past, threshold=None, credit=0, proven=False))
    if figures.slow:
        return Share(1, _slow(queue, past))
    if queue is None or why not in {"Slow", "Held"}:
        return Share(_steady(queue, fair, used=_is_used(queue, figures, waiting), pressed=pressed), past)
    return _recovering(queue, figures, past, fair=fair, waiting=waiting, pressed=pressed)


def limited(share: int, limits: MerchantLimits | None) -> int:
    """The share within the merchant's own limit."""
    if limits is None or limits.max_in_flight is None:
        return share
    return min(share, max(0, limits.max_in_flight))


def rate(limits: MerchantLimits | None, *, probed: bool) -> float | None:
    """The most orders that may begin per second, None for no limit. Of one that has a single slot while it fails, few:
    one that answers its errors at once would otherwise turn over its whole backlog.
    """
    most = None if limits is None else limits.max_rate
    if not probed:
        return most
    return PROBES if most is None else min(PROBES, most)


def _slow(queue: OwnQueue | None, past: Past) -> Past:
    threshold = past.threshold if queue is None or queue.share <= 1 else max(1, queue.share // 2)
    return replace(past, threshold=threshold, credit=0, proven=False)


def _steady(queue: OwnQueue | None, fair: int, *, used: bool, pressed: bool) -> int:
    """The fair share, which varies with every order: followed upwards where the merchant has a use for it and the lane
    has not, downwards where the lane is pressed. In each pod own queues and the lane take turns anyhow.
    """
    if queue is None:
        return fair
    share = max(1, queue.share)
    if fair < share:
        return max(fair, int(share * (1 - STEADY))) if used and pressed else share
    return fair if used and not pressed and fair - share >= GROWS_BY * share else share


def _recovering(
    queue: OwnQueue, figures: Figures, past: Past, *, fair: int, waiting: Waiting | None, pressed: bool
) -> Share:
    share = max(1, queue.share)
    if figures.failed > FAILING_SHARE * (figures.failed + figures.succeeded):
        if share == 1:
            return Share(1, replace(past, credit=0))
        return Share(share // 2, replace(past, threshold=share // 2, credit=0))
    if figures.succeeded:
        past = replace(past, proven=True)
    used = _is_used(queue, figures, waiting)
    if share >= fair:
        return Share(_steady(queue, fair, used=used, pressed=pressed), replace(past, credit=0))
    if not used:
        return Share(share, past)
    return _grown(share, figures.succeeded, past, fair)


def _is_used(queue: OwnQueue | None, figures: Figures, waiting: Waiting | None) -> bool:
    """Whether more of the merchant's orders would begin if they might."""
    share = 1 if queue is None else max(1, queue.share)
    if waiting is None:
        return figures.in_flight >= share
    return waiting.ready > 0 or max(figures.in_flight, waiting.in_flight) >= share


def _grown(share: int, successes: int, past: Past, fair: int) -> Share:
    threshold = fair if past.threshold is None else max(past.threshold, 1)
    if share < threshold:
        factor = QUICK if share < fair * QUICK_UP_TO else 1
        return Share(min(share + factor * min(successes, share), threshold, fair), past)
    credit = past.credit + successes
    if credit < share:
        return Share(share, replace(past, credit=credit))
    return Share(min(share + max(1, share // STEP), fair), replace(past, credit=0))
