"""When an own queue is closed, and how long it stays after its merchant is well again.

Calm is: nothing waits, the share is not used up, no pod finds the merchant slow or refuses its orders, and since it was
slow an order succeeded. A merchant whose queue is opened again soon after closing flaps: each time it stays for twice
as long, so that it is opened at a falling rate.
"""

from __future__ import annotations

from merchantroute_operator.isolation.conviction import Figures
from merchantroute_operator.isolation.history import Past
from merchantroute_operator.isolation.model import OwnQueue, Waiting

HOLD = 30.0
"""Seconds of calm after which a queue is closed at first."""
LONGEST_HOLD = 1_800.0
SOON = 300.0
"""Seconds after closing within which another opening doubles the hold."""
UNPROVEN = 300.0
"""Seconds of calm that are needed at least while no order has succeeded since the merchant was slow: it has none."""


def is_calm(queue: OwnQueue, figures: Figures, past: Past, waiting: Waiting | None) -> bool:
    """Whether the merchant could do without the queue now. Unknown figures are no calm."""
    if waiting is None or waiting.ready > 0:
        return False
    if figures.slow_in or past.refused:
        return False
    return max(figures.in_flight, waiting.in_flight) < max(1, queue.share)


def calm_long_enough(queue: OwnQueue, past: Past, now: float) -> bool:
    """Whether the queue may be closed."""
    if past.calm_since is None:
        return False
    return now - past.calm_since >= (queue.hold if past.proven else max(queue.hold, UNPROVEN))


def hold_of_next(past: Past, now: float) -> float:
    """The hold of a queue that is opened now."""
    if past.closed_at is None or now - past.closed_at > max(SOON, past.hold):
        return HOLD
    return min(LONGEST_HOLD, 2 * max(HOLD, past.hold))
