"""Adaptive concurrency limit of one merchant: AIMD on latency and time-outs. Pure: state and event in, state out.

Additive increase, multiplicative decrease, as in TCP congestion control. The cap starts at the tier's ceiling: no
merchant is limited before it was slow. A decrease halves the cap, never below 1; as many successes as the cap is high
raise it by 1, while at least half of it is in use. A decrease follows a time-out, or an answer while the recent latency
is three times the baseline with at least half of the cap in use: then the load is the reason. Calls that began before
the last decrease say nothing about the lower cap, so a hundred calls that time out together are one decrease.

The baseline (`usual`) is a slow moving average of latency, `recent` a quick one. The baseline does not follow while the
load makes answers slow, or else a merchant that slows down bit by bit would never be limited. When slow answers cannot
come from load (one call is in flight, or little of the cap is in use, or little of the ceiling while the cap is at its
minimum), the merchant itself has changed, and the baseline follows. None of the first fifty answers lowers the cap: a
pod's first ones may be the quickest that a merchant ever gives, or the slowest.
"""

from typing import NamedTuple

DECREASE = 0.5
TOO_SLOW = 3.0
NOISE = 0.1
"""Seconds above the baseline that may come from this pod's own load, and not from the merchant's."""
RECENT_WEIGHT = 0.2
USUAL_WEIGHT = 0.02
WARM_UP = 50
"""Weights of one answer in the quick and the slow average, and the number of first answers with equal weights in the
slow one: before that many, the baseline is not known."""
LOAD_SHARE = 4
"""Fewer calls in flight than a fourth of the ceiling are no load."""
FLOOR = 1


class AdaptiveLimit(NamedTuple):
    """The state of one merchant. `cap` is None while it is at the ceiling; `usual` and `recent` are seconds, None and 0
    before the first success; `lowered` is when (the caller's clock) the cap was last decreased.
    """

    cap: float | None = None
    usual: float | None = None
    recent: float = 0.0
    successes: int = 0
    timeouts: int = 0
    lowered: float | None = None

    def within(self, ceiling: int) -> int:
        """Give the cap as a whole number of slots."""
        return ceiling if self.cap is None else max(FLOOR, min(ceiling, int(self.cap)))


def succeeded(state: AdaptiveLimit, *, seconds: float, in_flight: int, now: float, ceiling: int) -> AdaptiveLimit:
    """Count a successful call of so many `seconds`, with `in_flight` calls (itself among them) at its end."""
    successes = state.successes + 1
    before = state.usual
    if before is None:
        return state._replace(usual=seconds, recent=seconds, successes=successes)
    recent = state.recent + RECENT_WEIGHT * (seconds - state.recent)
    cap = state.within(ceiling)
    used = in_flight * 2 >= cap
    bound = before + max(NOISE, (TOO_SLOW - 1) * before)
    slow = recent > bound
    # Capped at one slot, with a few more since slots are free, it would answer sooner if load were the reason.
    at_floor = state.cap is not None and state.cap <= FLOOR and in_flight * LOAD_SHARE < ceiling
    loaded = used and in_flight > 1 and not at_floor and successes > WARM_UP
    if slow and loaded:
        return _lower(state._replace(recent=recent, successes=successes), began=now - seconds, now=now, ceiling=ceiling)
    frozen = loaded and seconds > bound
    weight = USUAL_WEIGHT if successes > WARM_UP else 1 / successes
    usual = before if frozen else before + weight * (seconds - before)
    grown = state.cap
    if grown is not None and used and not slow:
        grown = grown + 1 / cap
        grown = None if grown >= ceiling else grown
    return AdaptiveLimit(grown, usual, recent, successes, state.timeouts, state.lowered)


def timed_out(state: AdaptiveLimit, *, began: float, now: float, ceiling: int) -> AdaptiveLimit:
    """Count a call that began then, and got no complete answer in time."""
    return _lower(state._replace(timeouts=state.timeouts + 1), began=began, now=now, ceiling=ceiling)


def _lower(state: AdaptiveLimit, *, began: float, now: float, ceiling: int) -> AdaptiveLimit:
    if state.lowered is not None and began < state.lowered:
        return state
    cap = ceiling if state.cap is None else min(float(ceiling), state.cap)
    return state._replace(cap=max(float(FLOOR), cap * DECREASE), lowered=now)
