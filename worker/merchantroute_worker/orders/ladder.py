"""Chooses the rung (delay queue) that an order waits on. Pure: the route's delays (sorted milliseconds) in, one of them
out.

RabbitMQ expires messages only at a queue's head, so there is no delay per order: jitter is a choice among rungs.
"""

from collections.abc import Sequence

SOONEST = 1_000
"""The rung (milliseconds) of orders that got no slot, which every tier has: an own queue of their merchant, or a free
slot, is a matter of seconds."""
SOON = 3
"""How many uncounted rounds an order may have made to wait on that rung. Where its merchant has no own queue by then,
it would go round each second for as long as its merchant is slow."""


def after_attempt(attempt: int, delays: Sequence[int], *, draw: float, retry_after: float | None = None) -> int:
    """The rung after the attempt-th counted attempt (from 1): one of the two around its position, the last two from
    then on. `draw` in [0, 1) chooses evenly. With `retry_after` (seconds), the merchant's Retry-After, it is a rung
    that is long enough, or the longest.
    """
    first = max(0, min(attempt - 1, len(delays) - 2))
    pair = delays[first : first + 2]
    drawn = pair[int(draw * len(pair))]
    if retry_after is None:
        return drawn
    return max(drawn, at_least(retry_after, delays))


def at_least(seconds: float, delays: Sequence[int]) -> int:
    """The first rung that is so long, else the longest."""
    return next((delay for delay in delays if delay >= seconds * 1000), delays[-1])


def after_refusal(refusals: int, delays: Sequence[int]) -> int:
    """The rung after this many earlier refusals: the middle one first, then the last."""
    return middle(delays) if refusals == 0 else delays[-1]


def without_slot(refusals: int, delays: Sequence[int]) -> int:
    """The rung of an order that got no slot, after this many earlier refusals: soon at first, then the middle one, then
    the last.
    """
    return SOONEST if refusals < SOON else after_refusal(refusals - SOON, delays)


def middle(delays: Sequence[int]) -> int:
    """The middle rung, the shorter of two."""
    return delays[(len(delays) - 1) // 2]


def is_too_long(seconds: float, delays: Sequence[int]) -> bool:
    """Whether every rung is shorter than that."""
    return seconds * 1000 > delays[-1]


def before_eta(remaining: float, delays: Sequence[int]) -> int:
    """The longest rung that ends before the order is due in `remaining` seconds, else the shortest."""
    return max((delay for delay in delays if delay <= remaining * 1000), default=delays[0])
