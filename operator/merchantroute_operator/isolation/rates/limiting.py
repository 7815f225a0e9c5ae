"""What pods hear of a merchant that answers 429: whether it does so again and again, and how long it asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from merchantroute_operator.isolation.rates.found_rate import (
    USED_UP,
    Answers,
    FoundRate,
    Moment,
    counted,
    cut,
    done,
    first_rate,
    grown,
    is_over,
    is_too_much,
    rate_again,
)

AGAIN_WITHIN, AGAIN_AFTER = 60.0, 3.0
"""Seconds within which a merchant answers 429 again, after the pause that it asked for, and how much later at least:
one moment's orders are answered in one tick, or in two.
"""
MOVED = 0.5
"""Seconds by which the end of a pause must be later to be another one."""


@dataclass(frozen=True, slots=True)
class Limiting:
    """What is remembered of a merchant that answered 429. Times are monotonic, of pauses since the epoch.

    ``seen`` is the most that it was seen to do per second. ``length`` is that of the latest pause, which ends at
    ``paused_until`` and began at ``paused_from``.
    """

    answers: tuple[Answers, ...] = ()
    asked: tuple[tuple[float, float, int], ...] = ()
    """The ticks in which it answered 429: when, until when it asked for time, and how often."""
    seen: float = 0.0
    paused_from: float = 0.0
    paused_until: float = 0.0
    rate: FoundRate | None = None

    @property
    def length(self) -> float:
        """Seconds of the latest pause."""
        return max(0.0, self.paused_until - self.paused_from)

    @property
    def again(self) -> bool:
        """Whether the merchant answers 429 again and again."""
        return len(self.asked) > 1 and self.asked[-1][0] - self.asked[0][0] >= AGAIN_AFTER

    @property
    def words(self) -> str:
        """What the merchant did, in words."""
        count = sum(times for _, _, times in self.asked)
        return f"{count} orders answered 429 lately" if count else "it answered 429 again and again"

    def is_over(self, now: float) -> bool:
        """Whether there is nothing to remember of it without a queue."""
        return all(now - max(at, until) > AGAIN_WITHIN for at, until, _ in self.asked)


NOT_LIMITING = Limiting()


def heard(limiting: Limiting, moment: Moment, *, succeeded: int, limited: int, asks_until: float) -> Limiting:
    """Take in what pods have heard of the merchant since the tick before.

    It asked for time until ``asks_until`` (monotonic), 0 where it did not.
    """
    now = moment.now
    if not limited and not asks_until and limiting is NOT_LIMITING:
        return limiting
    limiting = _paused(_believed(limiting, moment), asks_until, moment)
    # A 429 without a pause that goes on is over at once.
    until = max(now, now + limiting.paused_until - moment.wall)
    asked = tuple(item for item in limiting.asked if now - max(item[0], item[1]) <= AGAIN_WITHIN)
    if limited:
        asked = (*asked, (now, until, limited))
    answers = counted(limiting.rate, (*limiting.answers, Answers(now, succeeded, limited)), now)
    return replace(limiting, asked=asked, answers=answers, seen=max(limiting.seen, done(answers, now)))


def kept(limiting: Limiting, now: float) -> Limiting:
    """What is remembered after a tick in which nothing could be heard: a rate is not forgotten for that."""
    return limiting if limiting.rate is None else replace(limiting, rate=replace(limiting.rate, needed_at=now))


def begun(limiting: Limiting, now: float) -> Limiting:
    """Begin to limit the rate of a merchant that answers 429 again and again."""
    if limiting.rate is not None or not limiting.again:
        return limiting
    return replace(limiting, rate=first_rate(limiting.seen, now))


def remembered(limiting: Limiting, rate: float, now: float) -> Limiting:
    """Go on with the rate that an operator before this one had found."""
    return replace(limiting, rate=rate_again(rate, now))


def adjusted(limiting: Limiting, moment: Moment, *, used_up: bool) -> Limiting:
    """Cut the rate, let it grow, or forget it. ``used_up`` says that orders wait for nothing but the rate."""
    found, now = limiting.rate, moment.now
    if found is None:
        return limiting
    latest = limiting.answers[-1] if limiting.answers and limiting.answers[-1].at == now else Answers(now, 0, 0)
    if latest.limited:
        if not is_too_much(found, limiting.answers, now):
            return replace(limiting, rate=replace(found, needed_at=now))
        left = max(0.0, limiting.paused_until - moment.wall)
        return replace(limiting, rate=cut(found, limiting.answers, now, left), answers=())
    if limiting.paused_until > moment.wall:
        return replace(limiting, rate=replace(found, needed_at=now))
    if used_up and done(limiting.answers, now) >= USED_UP * found.rate:
        return replace(limiting, rate=grown(found, latest, moment))
    return NOT_LIMITING if is_over(found, limiting.length, now) else limiting


def _believed(limiting: Limiting, moment: Moment) -> Limiting:
    """A pause ends no later than the longest one would that begins now: the wall clock may have been set back since, or
    the longest pause shortened.
    """
    latest = moment.wall + moment.longest_pause
    if limiting.paused_until <= latest + MOVED:
        return limiting
    return replace(limiting, paused_from=moment.wall, paused_until=round(latest, 1))


def _paused(limiting: Limiting, asks_until: float, moment: Moment) -> Limiting:
    """A pause that goes on is not longer, from its beginning, than the longest one that is believed."""
    if not asks_until:
        return limiting
    goes_on = limiting.paused_until > moment.wall
    began = limiting.paused_from if goes_on else moment.wall
    until = min(moment.wall + asks_until - moment.now, began + moment.longest_pause)
    if until <= max(moment.wall, limiting.paused_until + MOVED):
        return limiting
    return replace(limiting, paused_from=began, paused_until=round(until, 1))
