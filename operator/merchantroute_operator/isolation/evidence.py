"""What pods have seen of merchants since the last tick: differences of counters, and slowness that a call showed.

A pod goes on calling a merchant slow that it does not call any more: its last calls failed, and nobody has tried since.
Such a flag says nothing about now. What counts is that it appeared, that calls failed, or that calls hang; one order in
time ends it. So an own queue that is served by one pod is not kept shut by what the others remember.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from heapq import nsmallest

from merchantroute_operator.isolation.history import Lately, PodPast, Seen
from merchantroute_operator.isolation.model import MerchantFigures, PodFigures
from merchantroute_operator.isolation.rates.found_rate import LONGEST_PAUSE
from merchantroute_operator.isolation.rates.limiting import AGAIN_WITHIN

EVIDENCE_FOR = 15.0
"""Seconds for which a pod's evidence counts after the last call that showed it."""
STALE_AFTER = 15.0
"""Seconds after which a pod's figures say nothing about now."""
LISTED_FOR = 60.0
"""Seconds for which a pod lists a merchant after its last refused order."""
MOST_PER_POD, MOST_KEPT = 200, 400
MOST_SLOTS, MOST_COUNTED = 10_000, 1_000_000
"""Of one pod: merchants that are heard and kept, slots, and orders since the last tick. What reports more is heard as
far as that."""


@dataclass(frozen=True, slots=True)
class News:
    """One merchant in one pod since the last tick.

    ``limited`` of the failed ones were answered with 429. ``limited_lately`` are those within a minute of one another,
    ``refused_lately`` refused ones within some seconds of one another. It asked for time until ``asks_until``
    (monotonic), 0 where no attempt has shown that since the last tick; ``asked_until`` is the latest that any has.
    """

    succeeded: int = 0
    failed: int = 0
    refused: int = 0
    in_flight: int = 0
    slow: bool = False  # by evidence
    since: float | None = None  # when the pod began to call it slow, where that was heard
    limited: int = 0
    asks_until: float = 0.0
    limited_lately: int = 0
    refused_lately: int = 0
    asked_until: float = 0.0


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


def pod_news(pod: PodFigures, past: PodPast | None, now: float, wall: float) -> PodNews:
    """The news of one pod. A pod that is new or began anew has no differences yet."""
    known = past if past is not None and past.started == pod.started else None
    before = {} if known is None else known.merchants
    complete = wall - pod.started / 1000 <= LISTED_FOR if known is None else known.complete
    news: dict[str, News] = {}
    seen: dict[str, Seen] = {}
    for figures in _heard(pod.merchants.values()):
        earlier = before.get(figures.merchant)
        evidence = _evidence(figures, earlier, now, known=known is not None)
        since = _since_when(figures, earlier, now, known=known is not None)
        first = complete and known is not None
        its = _news(figures, earlier, evidence, since, now, at=pod.at, first=first)
        news[figures.merchant] = its
        seen[figures.merchant] = _seen(figures, earlier, its, evidence, now)
    # A pod lists who was refused lately; counts of others go on from what they were.
    unlisted = [(name, old) for name, old in before.items() if name not in seen]
    kept = unlisted[: max(0, MOST_KEPT - len(seen))]
    seen |= ((name, replace(old, slow=False, evidence=None, since=None)) for name, old in kept)
    complete = complete and len(seen) < MOST_KEPT
    return PodNews(pod, news, PodPast(pod.started, seen, complete))


def _heard(merchants: Iterable[MerchantFigures]) -> list[MerchantFigures]:
    listed = list(merchants)
    if len(listed) <= MOST_PER_POD:
        return listed
    return nsmallest(
        MOST_PER_POD, listed, key=lambda each: (not each.slow, -each.refused - each.limited, each.merchant)
    )


def _seen(figures: MerchantFigures, earlier: Seen | None, its: News, evidence: float | None, now: float) -> Seen:
    before = Seen(slow=False, succeeded=0, failed=0, refused=0) if earlier is None else earlier
    return Seen(
        slow=figures.slow,
        succeeded=figures.succeeded,
        failed=figures.failed,
        refused=figures.refused,
        evidence=evidence,
        since=its.since,
        limited=figures.limited,
        limited_lately=Lately(its.limited_lately, now if its.limited else before.limited_lately.at),
        refused_lately=Lately(its.refused_lately, now if its.refused else before.refused_lately.at),
        asked_until=its.asked_until,
    )


def _since_when(figures: MerchantFigures, earlier: Seen | None, now: float, *, known: bool) -> float | None:
    if not figures.slow:
        return None
    if earlier is None or not earlier.slow:
        return now if known else None
    return earlier.since


def _news(
    figures: MerchantFigures,
    earlier: Seen | None,
    evidence: float | None,
    since: float | None,
    now: float,
    *,
    at: float,
    first: bool,
) -> News:
    """``first``: what a merchant that was not listed before refused, or was refused, happened just now."""
    before = earlier or Seen(
        slow=False,
        succeeded=figures.succeeded,
        failed=max(0, figures.failed - figures.limited) if first else figures.failed,
        refused=0 if first else figures.refused,
        limited=0 if first else figures.limited,
    )
    failed = _since(figures.failed, before.failed)
    limited = min(failed, _since(figures.limited, before.limited))
    refused = _since(figures.refused, before.refused)
    # Only what an attempt has shown: a pod that merely says so again holds nobody.
    asks_until = at + min(figures.paused_for, LONGEST_PAUSE) if failed and figures.paused_for else 0.0
    return News(
        succeeded=_since(figures.succeeded, before.succeeded),
        failed=failed,
        refused=refused,
        in_flight=min(max(0, figures.in_flight), MOST_SLOTS),
        slow=evidence is not None and now - evidence <= EVIDENCE_FOR,
        since=since,
        limited=limited,
        asks_until=asks_until,
        limited_lately=limited + _still(before.limited_lately, now, AGAIN_WITHIN),
        refused_lately=refused + _still(before.refused_lately, now, EVIDENCE_FOR),
        asked_until=max(asks_until, before.asked_until),
    )


def _still(lately: Lately, now: float, within: float) -> int:
    return lately.count if now - lately.at <= within else 0


def _since(count: int, earlier: int) -> int:
    """A counter's difference; one that is lower than before has begun anew, and says nothing this time."""
    return min(max(0, count - earlier), MOST_COUNTED)


def _evidence(figures: MerchantFigures, before: Seen | None, now: float, *, known: bool) -> float | None:
    if not figures.slow:
        return None
    if before is None:
        # A pod that is heard for the first time may have called it slow for long: its calls now are what counts.
        return now if known or figures.in_flight > 0 else None
    if not before.slow or figures.failed > before.failed:
        return now
    goes_on = before.evidence is not None and now - before.evidence <= EVIDENCE_FOR
    return now if goes_on and figures.in_flight > 0 else before.evidence
