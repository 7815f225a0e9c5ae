"""What the isolation of a route's merchants remembers between two ticks. Bounded, and empty after a restart.

Pods report cumulative counters, so a tick needs those of the tick before. What has to survive an operator is in
``OwnQueue`` and in the route's status; what is lost here delays an opening or a closing by some ticks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from merchantroute_operator.isolation.model import OwnQueue
from merchantroute_operator.isolation.rates.limiting import NOT_LIMITING, Limiting

MOST_MERCHANTS = 2_000
"""Merchants whose past is kept; those of which the latest news is oldest are dropped."""


@dataclass(frozen=True, slots=True)
class Lately:
    """How often something happened, with no long time between two of them, and when it did last."""

    count: int = 0
    at: float = 0.0


NEVER = Lately()


@dataclass(frozen=True, slots=True)
class Seen:
    """One merchant in one pod at the last tick: its counters, and when it was last known to be slow by a call.

    ``evidence`` is None where the pod calls it slow and has not called it for a while, or never called it slow.
    ``since`` is when the pod began to call it slow, None where it does not, or did before it was heard.
    ``asked_until`` is the latest time (monotonic) that an answer asked for.
    """

    slow: bool
    succeeded: int
    failed: int
    refused: int
    evidence: float | None = None
    since: float | None = None
    limited: int = 0
    limited_lately: Lately = NEVER
    refused_lately: Lately = NEVER
    asked_until: float = 0.0


@dataclass(frozen=True, slots=True)
class PodPast:
    """One pod at the last tick. ``complete``: heard from its first minute on, so that no count is older than what is
    known here.
    """

    started: int
    merchants: Mapping[str, Seen] = field(default_factory=dict)
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """One merchant over all pods.

    ``refused`` are refusals by tick within the window, ``threshold`` is the share above which growth is slow,
    ``credit`` the successes that no growth has been given for yet, ``proven`` whether an order succeeded since it was
    slow, ``limiting`` what is known of a merchant that answered 429.
    """

    at: float = 0.0
    refused: tuple[tuple[float, int], ...] = ()
    calm_since: float | None = None
    proven: bool = True
    threshold: int | None = None
    credit: int = 0
    closed_at: float | None = None
    hold: float = 0.0
    limiting: Limiting = NOT_LIMITING


@dataclass(frozen=True, slots=True)
class GroupPast:
    """A group that fails as a whole: the orders in flight that its merchants may have together, and how that grew."""

    share: int = 1
    past: Past = Past(proven=False)


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything of one route. ``would`` are the own queues that a dry run would have; ``frozen`` names tiers.
    ``groups`` are those that fail, by tier and group, and ``well`` has when a call of each group's was last known to
    have succeeded.
    """

    pods: Mapping[str, PodPast] = field(default_factory=dict)
    merchants: Mapping[str, Past] = field(default_factory=dict)
    frozen: frozenset[str] = frozenset()
    without_room: bool = False
    would: Mapping[str, OwnQueue] = field(default_factory=dict)
    groups: Mapping[tuple[str, str], GroupPast] = field(default_factory=dict)
    well: Mapping[tuple[str, str], float] = field(default_factory=dict)


def bounded(pasts: Mapping[str, Past]) -> dict[str, Past]:
    """The pasts that are kept: all of them, or the latest."""
    if len(pasts) <= MOST_MERCHANTS:
        return dict(pasts)
    latest = sorted(pasts.items(), key=lambda item: -item[1].at)
    return dict(latest[:MOST_MERCHANTS])
