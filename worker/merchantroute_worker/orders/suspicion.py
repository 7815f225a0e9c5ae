"""Suspect orders: those that may have killed a pod. Pure.

`x-delivery-count` is all that survives a killed pod. It also rises when a pod ends cleanly or a connection breaks, and
a pod that dies takes up to `concurrency` innocents with it. So two returns make an order suspect, not guilty: it goes
to the suspect lane, where it has a pod of its own. There a return is held against it only if that pod died: a pod that
lives on, or ends cleanly, sends the order to the lane anew, which sets the count back. Twice dead in its hands, the
order is guilty.
"""

from enum import Enum

SUSPECT_AFTER = 2
GUILTY_AFTER = 2


class Suspicion(Enum):
    """What to do with a message before anything else."""

    NONE = "none"
    TO_SUSPECT_LANE = "set apart"
    RESET_COUNT = "anew"
    GUILTY = "guilty"


def suspicion(deliveries: int, *, alone: bool, survived: bool) -> Suspicion:
    """`deliveries` is the message's `x-delivery-count`, `alone` that this is the suspect lane, `survived` that this
    very process had the order before, and still lives.
    """
    if not alone:
        return Suspicion.TO_SUSPECT_LANE if deliveries >= SUSPECT_AFTER else Suspicion.NONE
    if survived and deliveries:
        return Suspicion.RESET_COUNT
    return Suspicion.GUILTY if deliveries >= GUILTY_AFTER else Suspicion.NONE
