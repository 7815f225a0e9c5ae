"""Finds the rate of orders that a merchant bears which answers 429, over all pods of its tier. Pure.

A merchant that limits its callers names no rate, it only says when it was exceeded. So the rate begins at what the
merchant was seen to do, and grows by half at each tick until it is too much. From then on each 429 cuts it to what the
merchant did of it, less a part (multiplicative decrease). It grows back while it is used up and no order is answered
429: quickly at first, hardly near the rate at which it was too much, then ever faster, as the window of TCP CUBIC does.
So it is mostly near what the merchant bears, and finds a limit that was raised.

Orders in flight when it is cut began at the rate before: what they are answered for some seconds says nothing new.
A rate that has kept no order waiting for a minute is no rate any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

FIRST = 1.0
"""Orders a second of a merchant of which no success was seen."""
LOWEST = 1 / 60
START_GROWTH = 1.5
"""By how much a rate grows with a tick until its first 429."""
DECREASE, LEAST_DONE = 0.85, 0.5
"""What is left of what a merchant bears, and the least part of a rate that it is taken to bear."""
TOLERATED = 0.01
"""Answers 429 of all, up to which a rate stays as it is."""
SPAN, SPAN_ORDERS, SPAN_PAUSES = 30.0, 50.0, 10.0
"""From a cut to the rate at which it was made: at least so many seconds, orders, and lengths of the pause."""
REACTION = 4.0
"""Seconds from a cut, or the end of a pause, until answers tell of the rate since then."""
COUNTED, COUNTED_ORDERS = 10.0, 10.0
"""Seconds over which answers are counted, or the time of so many orders where that is longer."""
FORGOTTEN_AFTER, FORGOTTEN_PAUSES, FORGOTTEN_ORDERS = 60.0, 10.0, 10.0
"""Seconds, lengths of a pause, or the time of orders, for which a rate that kept no order waiting is remembered."""
LONGEST_PAUSE = 3_600.0
USED_UP = 0.5
"""Of a rate: how much a merchant must do at least for orders to wait for nothing else."""
GROWS_BY = 0.04
"""Of a rate: how much there must be to win. Each change is a new configuration for the pods."""


@dataclass(frozen=True, slots=True)
class Answers:
    """A merchant's answers since the tick before ``at``: orders that succeeded, and answers 429."""

    at: float
    succeeded: int
    limited: int


@dataclass(frozen=True, slots=True)
class FoundRate:
    """The rate that a merchant was found to bear, orders per second.

    ``ceiling`` is the rate at which it was too much last, and what grows while it ``starts``. ``used_for`` are the
    seconds since the last cut (``cut_at``) in which it was used up, of the ``span`` from there to the ceiling.
    ``needed_at`` is when it kept orders waiting last, or was too much.
    """

    ceiling: float
    cut_at: float
    needed_at: float
    span: float = SPAN
    used_for: float = SPAN
    starts: bool = False

    @property
    def rate(self) -> float:
        """The rate now."""
        if self.starts:
            return max(LOWEST, self.ceiling)
        beyond = self.used_for / self.span - 1
        return max(LOWEST, self.ceiling * (1 + (1 - DECREASE) * beyond**3))


@dataclass(frozen=True, slots=True)
class Moment:
    """One tick: monotonic and epoch seconds, the longest pause that is believed, and the seconds ``since`` the tick
    before.
    """

    now: float
    wall: float
    longest_pause: float = LONGEST_PAUSE
    since: float = 2.0


def told_rate(found: FoundRate | None, before: float | None) -> float | None:
    """The rate that pods are told, who had ``before``: a cut at once, growth once it is worth a configuration."""
    if found is None:
        return None
    rate = float(f"{found.rate:.3g}")
    return before if before is not None and before < rate < before * (1 + GROWS_BY) else rate


def first_rate(seen: float, now: float) -> FoundRate:
    """The rate of a merchant that was seen to do so much per second."""
    return FoundRate(max(LOWEST, seen or FIRST), cut_at=now, needed_at=now, starts=True)


def rate_again(rate: float, now: float) -> FoundRate:
    """The rate as an operator before this one had found it."""
    span = _span(rate, 0.0)
    return FoundRate(max(LOWEST, rate), cut_at=now, needed_at=now, span=span, used_for=span)


def cut(found: FoundRate, answers: Sequence[Answers], now: float, pause: float) -> FoundRate:
    """The rate after these answers; for the seconds of a pause that are left none tells anything new."""
    succeeded, limited = _sums(answers)
    bears = max(LOWEST, found.rate * max(LEAST_DONE, succeeded / (succeeded + limited)))
    # Where nothing succeeded, what the merchant bears is not known: the next success lets it grow at once.
    starts = not succeeded
    return FoundRate(bears, cut_at=now + pause, needed_at=now, span=_span(bears, pause), used_for=0.0, starts=starts)


def is_too_much(found: FoundRate, answers: Sequence[Answers], now: float) -> bool:
    """Whether answers 429 are of the rate as it is now, and more than a few."""
    succeeded, limited = _sums(answers)
    return now - found.cut_at >= REACTION and limited >= TOLERATED * (limited + succeeded)


def is_over(found: FoundRate, pause: float, now: float) -> bool:
    """Whether the rate has kept no order waiting for so long that it is forgotten; ``pause`` is the latest's length."""
    return now - found.needed_at > max(FORGOTTEN_AFTER, FORGOTTEN_PAUSES * pause, FORGOTTEN_ORDERS / found.rate)


def grown(found: FoundRate, latest: Answers, moment: Moment) -> FoundRate:
    """The rate after a tick in which it was used up and no order was answered 429."""
    found = replace(found, needed_at=moment.now)
    if moment.now - found.cut_at < REACTION:
        return found
    if found.starts:
        return replace(found, ceiling=found.ceiling * START_GROWTH) if latest.succeeded else found
    return replace(found, used_for=found.used_for + moment.since)


def _span(rate: float, pause: float) -> float:
    return max(SPAN, SPAN_ORDERS / max(LOWEST, rate), SPAN_PAUSES * pause)


def _sums(answers: Sequence[Answers]) -> tuple[int, int]:
    return sum(each.succeeded for each in answers), sum(each.limited for each in answers)


def counted(found: FoundRate | None, answers: Sequence[Answers], now: float) -> tuple[Answers, ...]:
    """The answers that are recent enough to count."""
    seconds = COUNTED if found is None else max(COUNTED, COUNTED_ORDERS / found.rate)
    return tuple(each for each in answers if now - each.at <= seconds)


def done(answers: Sequence[Answers], now: float) -> float:
    """What the merchant did per second over the answers that are counted, 0 where they tell too little."""
    since = now - answers[0].at if answers else 0.0
    return sum(each.succeeded for each in answers[1:]) / since if since >= REACTION else 0.0
