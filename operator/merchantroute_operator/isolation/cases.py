"""Which merchants are looked at in a tick, and what is known of each: figures, past, ground, and its own queue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from merchantroute_operator.isolation.conviction import NOTHING, Figures, Fleet, believe, figures
from merchantroute_operator.isolation.evidence import STALE_AFTER, PodNews
from merchantroute_operator.isolation.grounds import WINDOW, Ground, ground, in_failing_group
from merchantroute_operator.isolation.history import Memory, Past
from merchantroute_operator.isolation.model import OwnQueue, PodFigures, Policy, Waiting
from merchantroute_operator.isolation.rates.found_rate import LONGEST_PAUSE, Moment
from merchantroute_operator.isolation.rates.limiting import (
    NOT_LIMITING,
    Limiting,
    adjusted,
    begun,
    heard,
    kept,
    remembered,
)
from merchantroute_operator.isolation.shares import PROBES, slots_of

LONGEST_TICK = 10.0
"""Seconds since the tick before that count at most."""
PRESSED = 0.1
"""Orders that are ready in a tier's lane, for each slot of the tier, from which on they wait for more than chance."""


@dataclass(frozen=True, slots=True)
class Tier:
    """One tier at a tick: its pods' newest figures, and those that are believed. ``wanting`` own queues have a backlog;
    ``pressed`` says that the lane has one too.
    """

    pods: Sequence[PodFigures]
    fleet: Fleet
    wanting: int = 0
    pressed: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """What holds for all merchants of a route at one tick."""

    now: float
    wall: float
    policy: Policy
    tiers: Mapping[str, Tier]
    waiting: Mapping[str, Waiting]
    longest_pause: float = LONGEST_PAUSE
    workers: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One merchant at a tick."""

    merchant: str
    tier: str
    figures: Figures
    past: Past
    ground: Ground | None
    queue: OwnQueue | None
    frozen: bool = False


def tier_at(
    tier: str, news: Sequence[PodNews], policy: Policy, now: float, *, wanting: int = 0, backlog: int = 0
) -> Tier:
    """The tier by the pods whose figures are of now; ``backlog`` orders are ready in its lane."""
    fresh = [each for each in news if now - each.pod.at <= STALE_AFTER]
    pods = [each.pod for each in fresh]
    pressed = backlog > PRESSED * slots_of(pods)
    return Tier(pods, believe(tier, fresh, policy.max_tripped_share), wanting, pressed)


def candidates(
    tick: Tick, news: Mapping[str, Sequence[PodNews]], queues: Mapping[str, OwnQueue], failing: Iterable[str] = ()
) -> Iterator[tuple[str, str | None]]:
    """Each merchant that may have an own queue after this tick, and the tier whose pods report it.

    Of those that have limits and no orders so far, and of those whose group is ``failing``, as many as there could be
    queues: a tier's default may be the limit of 100,000 merchants.
    """
    reported = {merchant: tier for tier, those in news.items() for each in those for merchant in each.merchants}
    policy = tick.policy
    asked = {*queues, *policy.pinned, *(merchant for merchant, until in policy.held.items() if until > tick.wall)}
    asked |= set(islice(failing, policy.max_own_queues + 1))
    yield from reported.items()
    yield from ((merchant, None) for merchant in sorted(asked - reported.keys()))
    quiet = (merchant for merchant in policy.limits if merchant not in reported and merchant not in asked)
    yield from ((merchant, None) for merchant in islice(quiet, policy.max_own_queues + 1))


def case_of(
    merchant: str, tier: str, tick: Tick, memory: Memory, queue: OwnQueue | None, failing: str | None = None
) -> Case:
    """What is known of the merchant at this tick; ``failing`` is its group, where that fails."""
    at, past = tick.tiers.get(tier), memory.merchants.get(merchant)
    if past is None:
        past = Past() if queue is None else _remembered(queue, tick)
    # Before it is open, and once it is led to no more, its orders are in all pods.
    workers = tick.workers.get(merchant, ()) if queue is not None and queue.stage == "Open" else ()
    seen = NOTHING if at is None else figures(merchant, at.fleet, isolated=queue is not None, workers=workers)
    refused = tuple(item for item in past.refused if tick.now - item[0] < WINDOW)
    if seen.refused:
        refused = (*refused, (tick.now, seen.refused))
    frozen = at is not None and at.fleet.frozen is not None
    unheard = frozen or _waits_unheard(merchant, at, tick)
    limiting = kept(past.limiting, tick.now) if unheard else _limiting(past, seen, queue, tick)
    if merchant in tick.policy.exempt:
        limiting = NOT_LIMITING
    past = replace(
        past, refused=refused, limiting=limiting, at=past.at if seen is NOTHING and queue is None else tick.now
    )
    slots = 0 if at is None else slots_of(at.pods)
    found = ground(merchant, seen, tick.policy, past, wall=tick.wall, slots=slots, frozen=frozen)
    if failing is not None and not frozen:
        found = in_failing_group(found, merchant, failing, tick.policy)
    return Case(merchant, tier, seen, past, found, queue, frozen)


def _waits_unheard(merchant: str, at: Tier | None, tick: Tick) -> bool:
    """Whether orders may wait, and no pod says for what."""
    waiting = tick.waiting.get(merchant)
    return (at is None or not at.pods) and (waiting is None or waiting.ready > 0)


def _limiting(past: Past, seen: Figures, queue: OwnQueue | None, tick: Tick) -> Limiting:
    """What is known of the rate that the merchant bears; it has one as long as it has a queue."""
    since = min(tick.now - past.at, LONGEST_TICK) if past.at else 0.0
    moment = Moment(tick.now, tick.wall, tick.longest_pause, since)
    limiting = heard(past.limiting, moment, succeeded=seen.succeeded, limited=seen.limited, asks_until=seen.asks_until)
    if queue is None:
        return replace(limiting, rate=None) if limiting.rate is not None else limiting
    if limiting.rate is None:
        return begun(limiting, tick.now)
    return adjusted(limiting, moment, used_up=_is_used_up(queue, seen, tick))


def _remembered(queue: OwnQueue, tick: Tick) -> Past:
    """What the route's status says of the merchant to an operator that has begun since. A slow one's queue with one
    slot has a rate that is no limit of the merchant's as long as no order has succeeded.
    """
    limiting = NOT_LIMITING
    if queue.paused_until > tick.wall:
        limiting = replace(limiting, paused_from=tick.wall, paused_until=queue.paused_until)
    if queue.found and queue.rate is not None:
        limiting = remembered(limiting, queue.rate, tick.now)
    slowly = queue.rate is not None and queue.rate <= PROBES and not queue.found
    probed = queue.why == "Slow" and queue.share <= 1 and slowly
    return Past(limiting=limiting, proven=not probed)


def _is_used_up(queue: OwnQueue, seen: Figures, tick: Tick) -> bool:
    """Whether orders wait, and for no slot: in the broker, or in pods."""
    waiting = tick.waiting.get(queue.merchant)
    if waiting is None or seen.in_flight >= max(1, queue.share):
        return False
    return waiting.ready > 0 or waiting.in_flight > seen.in_flight
