"""How many calls at a time a merchant bears, learnt from its answers. Pure: a value and what happened in, a value out.

Additive increase, multiplicative decrease, as TCP does it. The cap starts at the ceiling: nobody is suspected before
they have shown something. A drop halves it, never below 1; what grows it is as many successes as it is high, while it
is made use of. A drop is a time-out, or an answer while the merchant's answers of late take three times what is usual
with at least half of the cap in use: then its load is the reason. Calls that began before the cap was lowered say
nothing of the lowered cap, so a hundred calls that time out together are one drop.

What is usual (the baseline) is a slow average, of late a quick one. The baseline rests while the merchant fails, or
else a merchant that slows down bit by bit would be its own excuse. When slow answers cannot come from load, since one
call is in flight or few of the cap are used, or few of the ceiling and the cap is as low as can be, the merchant has
changed, and the baseline follows. Of the first fifty answers none lowers the cap: a pod's first ones may be the
quickest that a merchant ever gives, or the slowest.
"""

from typing import NamedTuple

DECREASE = 0.5
TOO_SLOW = 3.0
NOISE = 0.1
"""Seconds that a call may take longer than usual because this pod is busy, not the merchant."""
LATELY = 0.2
USUALLY = 0.02
EVENLY = 50
"""Weights of one answer in the quick and the slow average, of which the first fifty count evenly. Before there are
more, nobody knows what is usual."""
FEW = 4
"""A fourth of the ceiling in flight is no load to speak of."""
FLOOR = 1


class AdaptiveLimit(NamedTuple):
    """What one merchant has shown. `cap` is None while it is at the ceiling; `usual` and `recent` are seconds, None and
    0 before the first success; `lowered` is when (the caller's clock) the cap was last lowered.
    """

    cap: float | None = None
    usual: float | None = None
    recent: float = 0.0
    successes: int = 0
    timeouts: int = 0
    lowered: float | None = None

    def within(self, ceiling: int) -> int:
        """The cap, as a whole number of slots."""
        return ceiling if self.cap is None else max(FLOOR, min(ceiling, int(self.cap)))


def succeeded(state: AdaptiveLimit, *, seconds: float, in_flight: int, now: float, ceiling: int) -> AdaptiveLimit:
    """A call was answered well in `seconds`, with `in_flight` calls (it among them) at the time."""
    successes = state.successes + 1
    before = state.usual
    if before is None:
        return state._replace(usual=seconds, recent=seconds, successes=successes)
    recent = state.recent + LATELY * (seconds - state.recent)
    cap = state.within(ceiling)
    used = in_flight * 2 >= cap
    bound = before + max(NOISE, (TOO_SLOW - 1) * before)
    slow = recent > bound
    # Who is held to one slot, and has a few more since slots are free, would answer sooner if load were the reason.
    held = state.cap is not None and state.cap <= FLOOR and in_flight * FEW < ceiling
    loaded = used and in_flight > 1 and not held and successes > EVENLY
    if slow and loaded:
        return _lower(state._replace(recent=recent, successes=successes), began=now - seconds, now=now, ceiling=ceiling)
    rests = loaded and seconds > bound
    weight = USUALLY if successes > EVENLY else 1 / successes
    usual = before if rests else before + weight * (seconds - before)
    grown = state.cap
    if grown is not None and used and not slow:
        grown = grown + 1 / cap
        grown = None if grown >= ceiling else grown
    return AdaptiveLimit(grown, usual, recent, successes, state.timeouts, state.lowered)


def timed_out(state: AdaptiveLimit, *, began: float, now: float, ceiling: int) -> AdaptiveLimit:
    """A call that began then got no whole answer in time."""
    return _lower(state._replace(timeouts=state.timeouts + 1), began=began, now=now, ceiling=ceiling)


def _lower(state: AdaptiveLimit, *, began: float, now: float, ceiling: int) -> AdaptiveLimit:
    if state.lowered is not None and began < state.lowered:
        return state
    cap = ceiling if state.cap is None else min(float(ceiling), state.cap)
    return state._replace(cap=max(float(FLOOR), cap * DECREASE), lowered=now)
