"""Adaptive concurrency limit of one merchant: AIMD on latency and time-outs. Pure: state and event in, state out.

Additive increase, multiplicative decrease, as in TCP congestion control. The cap starts at the tier's ceiling: no
merchant is limited before it was slow. A decrease halves the cap, never below 1; as many successes as the cap is high
raise it by 1, while at least half of it is in use. A decrease follows a time-out, or when three of four recent answers
took three times the baseline with at least half of the cap in use: then the load is the reason.

The baseline is the mean latency of one step, and an answer is compared with the baseline of its own step, so that steps
of different latency never lower a cap. By Markov's inequality at most a third of the answers can take three times their
mean, whatever their distribution. If more do, the latency has changed, and the baseline does not follow, or else a
merchant that slows down bit by bit would never be limited. Whether an answer counts for the baseline is decided before
its latency is known: if slow answers were left out, the baseline would sink, and the next ones look slow.

Calls that began before the last decrease say nothing about the lower cap, so a hundred calls that time out together
are one decrease. A lower cap may have no effect: slots are free and the merchant has more than its cap, or the cap is
at its minimum. If three of four answers are still slow then, load is not the reason or the cap does not help: the
merchant itself has changed, and its limit and the step's baseline start anew. None of a step's first fifty answers
lowers the cap: they may be the quickest that a merchant ever gives, or the slowest.
"""

from typing import NamedTuple

DECREASE = 0.5
TOO_SLOW = 3.0
NOISE = 0.1
"""Seconds above the baseline that may come from this pod's own load, and not from the merchant's."""
USUAL_WEIGHT = 0.02
WARM_UP = 50
"""Weight of one answer in the baseline, and the number of first answers with equal weights in it: before that many, the
baseline is not known."""
SLOW_WEIGHT = 0.1
CHANCE, DROP = 1 / 3, 3 / 4
"""Weight of one answer in the share of slow ones, the share up to which they may be chance, and the one that lowers the
cap: fourteen slow answers in a row."""
SETTLING = 10.0
"""Usual latencies after a decrease for which the baseline does not follow: answers of calls that began before it."""
LOAD_SHARE = 4
"""Fewer calls in flight than a fourth of the ceiling are no load."""
FLOOR = 1


class Baseline(NamedTuple):
    """The latency of one step of one merchant: `usual` in seconds, and `slow`, the share of recent answers that took
    too long under load. That share counts from the decrease at `lowered` on, as in `AdaptiveLimit`.
    """

    usual: float = 0.0
    slow: float = 0.0
    answers: int = 0
    lowered: float | None = None


class AdaptiveLimit(NamedTuple):
    """The limit of one merchant. `cap` is None while it is at the ceiling; `lowered` is when (the caller's clock) the
    cap was last decreased.
    """

    cap: float | None = None
    lowered: float | None = None

    def within(self, ceiling: int) -> int:
        """Give the cap as a whole number of slots."""
        return ceiling if self.cap is None else max(FLOOR, min(ceiling, int(self.cap)))


def succeeded(
    limit: AdaptiveLimit, baseline: Baseline, *, seconds: float, in_flight: int, now: float, ceiling: int
) -> tuple[AdaptiveLimit, Baseline]:
    """Count a successful call of so many `seconds`, with `in_flight` calls (itself among them) at its end. `baseline`
    is that of the call's step.
    """
    usual, slow, answers, since = baseline
    answers += 1
    too_slow = seconds > usual + max(NOISE, (TOO_SLOW - 1) * usual)
    if answers <= WARM_UP:
        usual += (seconds - usual) / answers
        return _raised(limit, in_flight, ceiling), Baseline(usual, 0.0, answers, limit.lowered)
    cap, lowered = limit.within(ceiling), limit.lowered
    if lowered is not None and now - seconds < lowered:
        return limit, baseline
    without_effect = limit.cap is not None and _without_effect(cap, in_flight, ceiling)
    loaded = without_effect or (in_flight > 1 and in_flight * 2 >= cap)
    if since != lowered or not loaded:
        slow = 0.0
    if slow <= CHANCE and (lowered is None or now - lowered >= SETTLING * max(NOISE, usual)):
        usual += USUAL_WEIGHT * (seconds - usual)
    if loaded:
        slow += SLOW_WEIGHT * (too_slow - slow)
    if slow <= DROP:
        raised = limit if too_slow else _raised(limit, in_flight, ceiling)
        return raised, Baseline(usual, slow, answers, lowered)
    if without_effect:
        return AdaptiveLimit(), Baseline(seconds, 0.0, 1)
    return AdaptiveLimit(max(float(FLOOR), min(in_flight, cap) * DECREASE), now), Baseline(usual, 0.0, answers, now)


def timed_out(limit: AdaptiveLimit, *, began: float, now: float, ceiling: int) -> AdaptiveLimit:
    """Count a call that began then, and got no complete answer in time."""
    if limit.lowered is not None and began < limit.lowered:
        return limit
    cap = ceiling if limit.cap is None else min(float(ceiling), limit.cap)
    return AdaptiveLimit(max(float(FLOOR), cap * DECREASE), now)


def _without_effect(cap: int, in_flight: int, ceiling: int) -> bool:
    """Whether a decreased cap does not lower the merchant's load, or is at its minimum with little load left."""
    return in_flight > cap or (cap <= FLOOR and in_flight * LOAD_SHARE < ceiling)


def _raised(limit: AdaptiveLimit, in_flight: int, ceiling: int) -> AdaptiveLimit:
    if limit.cap is None:
        return limit
    cap = limit.within(ceiling)
    if in_flight * 2 < cap:
        return limit
    raised = limit.cap + 1 / cap
    return AdaptiveLimit(None if raised >= ceiling else raised, limit.lowered)
