"""How many orders of an own queue may be in flight over all pods.

A slow merchant begins with one. Its successes raise that like TCP's slow start: each raises it by one, so it doubles
with each round, up to the fair share, or up to half of what it had when it failed last; beyond that a whole round of
successes raises it by one. Failures halve it. A healed merchant's backlog so leaves at a pace that it bears.

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
FAILING_SHARE = 0.25
"""Attempts that failed, of all since the last tick, that halve the share."""
STEADY = 0.25
"""A fair share is changed when it differs by so much: each change is a new configuration for the pods."""


@dataclass(frozen=True, slots=True)
class Share:
    """The share, and what is remembered for the next tick."""

    share: int
    past: Past


def fair_share(merchant: str, pods: Sequence[PodFigures]) -> int:
    """The merchant's fair share of all slots of its tier, at least 1."""
    return max(1, int(sum(_of_pod(merchant, pod) for pod in pods)))


def slots_of(pods: Sequence[PodFigures]) -> int:
    """The slots of all pods of a tier."""
    return sum(_within(pod.slots) for pod in pods)


def _of_pod(merchant: str, pod: PodFigures) -> float:
    slots = _within(pod.slots)
    one_more = min(max(0, pod.fair_share), slots)
    known = pod.merchants.get(merchant)
    has = 0 if known is None else min(max(0, known.in_flight), slots)
    if pod.busy is None:
        return one_more
    free = slots - min(max(0, pod.busy), slots)
    # Counted as one more beside itself it would have half of what it has as itself, where the others need less.
    return max(one_more, min(2 * one_more, has + free - slots / KEPT_FREE))


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
) -> Share:
    """The share at this tick, without the merchant's limits."""
    if held:
        return Share(0, replace(past, threshold=None, credit=0, proven=False))
    if figures.slow:
        return Share(1, _slow(queue, past))
    if queue is None or why not in {"Slow", "Held"}:
        return Share(_steady(queue, fair), past)
    return _recovering(queue, figures, past, fair=fair, waiting=waiting)


def limited(share: int, limits: MerchantLimits | None) -> int:
    """The share within the merchant's own limit."""
    if limits is None or limits.max_in_flight is None:
        return share
    return min(share, max(0, limits.max_in_flight))


def _slow(queue: OwnQueue | None, past: Past) -> Past:
    threshold = past.threshold if queue is None or queue.share <= 1 else max(1, queue.share // 2)
    return replace(past, threshold=threshold, credit=0, proven=False)


def _steady(queue: OwnQueue | None, fair: int) -> int:
    if queue is None or abs(fair - queue.share) > STEADY * queue.share:
        return fair
    return queue.share


def _recovering(queue: OwnQueue, figures: Figures, past: Past, *, fair: int, waiting: Waiting | None) -> Share:
    share = max(1, queue.share)
    if figures.failed > FAILING_SHARE * (figures.failed + figures.succeeded):
        halved = max(1, share // 2)
        return Share(halved, replace(past, threshold=halved, credit=0))
    if figures.succeeded:
        past = replace(past, proven=True)
    if share >= fair:
        return Share(_steady(queue, fair), replace(past, credit=0))
    if not _is_used(share, figures, waiting):
        return Share(share, past)
    return _grown(share, figures.succeeded, past, fair)


def _is_used(share: int, figures: Figures, waiting: Waiting | None) -> bool:
    """Whether more of the merchant's orders would begin if they might."""
    if waiting is None:
        return figures.in_flight >= share
    return waiting.ready > 0 or max(figures.in_flight, waiting.in_flight) >= share


def _grown(share: int, successes: int, past: Past, fair: int) -> Share:
    threshold = fair if past.threshold is None else past.threshold
    quick = min(successes, share, max(0, threshold - share))
    grown = share + quick
    credit = past.credit + successes - quick
    # Few successes at a time raise the share by one when a round of them is over.
    while credit >= grown and grown < fair:
        credit -= grown
        grown += 1
    return Share(min(grown, fair), replace(past, credit=0 if grown >= fair else credit))
