"""Detects suspect orders: poison messages that may have killed a pod. Pure.

`x-delivery-count` is the only state of an order that survives a killed pod. But it also rises when a connection breaks,
when a broker restarts or finds a consumer too slow, and when a pod ends cleanly; which of these count depends on
RabbitMQ's version. So the count only asks the question, and the answer is whether a pod of the tier died at the time,
which the operator tells in the configuration. A pod that dies redelivers up to `concurrency` innocent orders, so two
redeliveries beside a death make an order suspect, not guilty: it is quarantined in the suspect lane, where one pod
processes one order at a time. There a redelivery counts only if that pod died: a pod that survives, or ends cleanly,
republishes the order to the lane, which resets its count. After two dead pods in that lane the order is guilty.
"""

from enum import Enum

SUSPECT_AFTER = 2
GUILTY_AFTER = 2
SUSPECT_WITHOUT_DEATH = 20
"""Redeliveries after which an order is suspect though no death is known: the operator may be away. It is below the
queue's delivery limit of 50, at which the broker would dead-letter the order without a reason."""
DEATH_WINDOW = 600.0
"""Seconds for which a pod's death explains redeliveries. Kubernetes restarts a crashed container after 5 minutes at the
latest, so the order that killed a lane's only pod is delivered again within this time."""


class Suspicion(Enum):
    """The verdict on a message, before anything else is decided."""

    NONE = "none"
    UNEXPLAINED = "unexplained"
    """It came back twice, and no death is known yet: the operator takes some seconds to tell of one."""
    TO_SUSPECT_LANE = "set apart"
    RESET_COUNT = "anew"
    GUILTY = "guilty"


def died_lately(died_at: float, now: float) -> bool:
    """Whether a death at `died_at` explains what came back by `now`: epoch seconds, of clocks that may differ."""
    return now - died_at < DEATH_WINDOW


def suspicion(redeliveries: int, *, pod_died: bool) -> Suspicion:
    """Judge a message in a tier's lane. `redeliveries` is its `x-delivery-count`; `pod_died` says that a pod of the
    tier is known to have died lately.
    """
    if redeliveries < SUSPECT_AFTER:
        return Suspicion.NONE
    if pod_died or redeliveries >= SUSPECT_WITHOUT_DEATH:
        return Suspicion.TO_SUSPECT_LANE
    return Suspicion.UNEXPLAINED


def suspicion_alone(redeliveries: int, lost_processes: int, *, survived: bool) -> Suspicion:
    """Judge a message in the suspect lane. `lost_processes` are the child processes that ended with it there;
    `survived` says that this very process had the order before and is still running.
    """
    if survived and redeliveries:
        return Suspicion.RESET_COUNT
    return Suspicion.GUILTY if redeliveries + lost_processes >= GUILTY_AFTER else Suspicion.NONE
