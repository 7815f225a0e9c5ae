"""What pods have seen of merchants since the last tick: differences of counters, and slowness that a call showed.

A pod goes on calling a merchant slow that it does not call any more: its last calls failed, and nobody has tried since.
Such a flag says nothing about now. What counts is that it appeared, that calls failed, or that calls hang; one order in
time ends it. So an own queue that is served by one pod is not kept shut by what the others remember.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import nsmallest

from merchantroute_operator.isolation.history import PodPast, Seen
from merchantroute_operator.isolation.model import MerchantFigures, PodFigures

EVIDENCE_FOR = 15.0
"""Seconds for which a pod's evidence counts after the last call that showed it."""
STALE_AFTER = 15.0
"""Seconds after which a pod's figures say nothing about now."""
MOST_PER_POD = 200
MOST_SLOTS = 10_000
"""Of one pod. A pod that reports more merchants or slots is heard as far as that."""


@dataclass(frozen=True, slots=True)
class News:
    """One merchant in one pod since the last tick."""

    succeeded: int = 0
    failed: int = 0
    refused: int = 0
    in_flight: int = 0
    slow: bool = False  # by evidence


@dataclass(frozen=True, slots=True)
class PodNews:
    """One pod since the last tick."""

    pod: PodFigures
    merchants: Mapping[str, News]
    past: PodPast

    @property
    def slow(self) -> int:
        """How many merchants are slow here by evidence."""
        return sum(news.slow for news in self.merchants.values())


def pod_news(pod: PodFigures, past: PodPast | None, now: float) -> PodNews:
    """The news of one pod. A pod that is new or began anew has no differences yet."""
    known = past if past is not None and past.started == pod.started else None
    news: dict[str, News] = {}
    seen: dict[str, Seen] = {}
    for figures in _heard(pod.merchants.values()):
        before = None if known is None else known.merchants.get(figures.merchant)
        seen[figures.merchant], news[figures.merchant] = _merchant(figures, before, now, known=known is not None)
    return PodNews(pod, news, PodPast(pod.started, seen))


def _heard(merchants: Iterable[MerchantFigures]) -> list[MerchantFigures]:
    listed = list(merchants)
    if len(listed) <= MOST_PER_POD:
        return listed
    return nsmallest(MOST_PER_POD, listed, key=lambda each: (not each.slow, -each.refused, each.merchant))


def _merchant(figures: MerchantFigures, before: Seen | None, now: float, *, known: bool) -> tuple[Seen, News]:
    succeeded = failed = refused = 0
    if before is not None:
        succeeded = max(0, figures.succeeded - before.succeeded)
        failed = max(0, figures.failed - before.failed)
        refused = max(0, figures.refused - before.refused)
    in_flight = min(max(0, figures.in_flight), MOST_SLOTS)
    evidence = _evidence(figures, before, now, failed=failed, in_flight=in_flight, known=known)
    slow = evidence is not None and now - evidence <= EVIDENCE_FOR
    seen = Seen(figures.slow, figures.succeeded, figures.failed, figures.refused, evidence)
    return seen, News(succeeded, failed, refused, in_flight, slow)


def _evidence(
    figures: MerchantFigures, before: Seen | None, now: float, *, failed: int, in_flight: int, known: bool
) -> float | None:
    if not figures.slow:
        return None
    if before is None:
        # A pod that is heard for the first time may have called it slow for long: its calls now are what counts.
        return now if known or in_flight else None
    if not before.slow or failed:
        return now
    goes_on = before.evidence is not None and now - before.evidence <= EVIDENCE_FOR
    return now if goes_on and in_flight else before.evidence
