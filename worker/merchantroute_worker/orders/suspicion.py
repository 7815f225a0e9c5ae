"""Detects suspect orders: poison messages that may have killed a pod. Pure.

`x-delivery-count` is the only state that survives a killed pod. It also rises when a pod ends cleanly or a connection
breaks, and a pod that dies redelivers up to `concurrency` innocent orders. So two redeliveries make an order suspect,
not guilty: it is quarantined in the suspect lane, where one pod processes one order at a time. There a redelivery
counts only if that pod died: a pod that survives, or ends cleanly, republishes the order to the lane, which resets its
count. After two dead pods in that lane the order is guilty.
"""

from enum import Enum

SUSPECT_AFTER = 2
GUILTY_AFTER = 2


class Suspicion(Enum):
    """The verdict on a message, before anything else is decided."""

    NONE = "none"
    TO_SUSPECT_LANE = "set apart"
    RESET_COUNT = "anew"
    GUILTY = "guilty"


def suspicion(deliveries: int, *, alone: bool, survived: bool) -> Suspicion:
    """Judge a message. `deliveries` is its `x-delivery-count`, `alone` means that this is the suspect lane, `survived`
    that this very process had the order before and is still running.
    """
    if not alone:
        return Suspicion.TO_SUSPECT_LANE if deliveries >= SUSPECT_AFTER else Suspicion.NONE
    if survived and deliveries:
        return Suspicion.RESET_COUNT
    return Suspicion.GUILTY if deliveries >= GUILTY_AFTER else Suspicion.NONE
