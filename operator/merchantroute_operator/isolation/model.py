"""Values of the isolation of merchants: what was seen of each, what a route asks for, and the own queues that follow.

What a route asks for (``Policy``, ``MerchantLimits``) is parsed in ``spec``. Times are seconds: ``now`` is monotonic,
``since`` counts from the epoch, since it is kept in the route's status. Rates are orders per second. A share is a
number of orders in flight over all pods of the merchant's tier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from merchantroute_operator.spec.route import IsolationMode as Mode
from merchantroute_operator.spec.route import IsolationPolicy as Policy
from merchantroute_operator.spec.route import MerchantLimits

__all__ = [
    "GroupFigures",
    "MerchantFigures",
    "MerchantLimits",
    "Mode",
    "OwnQueue",
    "PodFigures",
    "Policy",
    "Stage",
    "Waiting",
    "Why",
]

Why = Literal["Slow", "RateLimited", "Refused", "Limited", "Pinned", "Held"]
"""Why a merchant has an own queue: it is slow, it answers 429 again and again, pods refuse many of its orders, it has
limits, it is on the list of pinned ones, or somebody holds it by hand.
"""
Stage = Literal["Opening", "Open", "Closing"]
"""An own queue is declared and told to pods; then bound, so that orders enter it; then unbound, and drained by its pods
until it is proven empty and deleted.
"""


@dataclass(frozen=True, slots=True)
class MerchantFigures:
    """One merchant in one pod, from its pulse; the counters are cumulative since the pod ``started``.

    ``refused`` counts orders that got no slot, ``succeeded`` and ``failed`` its orders' attempts, ``limited`` those of
    the failed ones that it answered with 429. It asked for time of which ``paused_for`` seconds are left. ``group`` is
    one of the pod's ``groups``, empty for a merchant that is alone in its own.
    """

    merchant: str
    in_flight: int = 0
    slow: bool = False
    refused: int = 0
    succeeded: int = 0
    failed: int = 0
    limited: int = 0
    paused_for: float = 0.0
    group: str = ""


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """How many merchants of one group had calls in a pod within the last minute, how many of them are slow, and of how
    many a call succeeded within the last 5 seconds.
    """

    active: int
    slow: int
    well: int = 0


@dataclass(frozen=True, slots=True)
class PodFigures:
    """One pod of a tier's stable lane at a tick, from its newest pulse.

    ``active`` is the number of merchants that had calls within the last minute, slow ones among them; ``fair_share`` is
    the number of the pod's slots that one more merchant might have now. ``busy`` slots have an order, None where the
    pod does not say. ``groups`` are those of several active merchants: all others are groups of one. ``slow`` merchants
    are named in ``merchants`` or not; 0 where the pod does not say.
    """

    pod: str
    started: int
    at: float
    slots: int
    active: int
    fair_share: int
    merchants: Mapping[str, MerchantFigures] = field(default_factory=dict)
    busy: int | None = None
    groups: Mapping[str, GroupFigures] = field(default_factory=dict)
    slow: int = 0


@dataclass(frozen=True, slots=True)
class OwnQueue:
    """One merchant's own queue, as the route's status remembers it over restarts of the operator.

    ``share`` is the most orders in flight over all pods, 0 while held; ``rate`` the most per second, None for no limit,
    ``found`` where the merchant was found to bear no more.
    ``hold`` is how long (seconds) it stays open after the merchant was well again; it grows for one that flaps. No
    order begins before ``paused_until`` (seconds since the epoch, 0 for no pause): the merchant asked for that.
    """

    merchant: str
    tier: str
    why: Why
    stage: Stage
    since: float
    share: int
    rate: float | None = None
    burst: int = 1
    hold: float = 30.0
    paused_until: float = 0.0
    found: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """An own queue's figures at a tick: orders that wait in it, and those that pods have."""

    ready: int
    in_flight: int
