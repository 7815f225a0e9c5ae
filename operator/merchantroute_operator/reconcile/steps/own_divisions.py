"""Divides what a merchant, or a group with limits, may have over the pods: nobody gains before another has lost.

A pod that an older configuration gives more to counts with that, and so do the orders that it has in flight.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from merchantroute_operator.isolation.groups.limited_groups import GroupPlan, GroupShare
from merchantroute_operator.isolation.parts import Written, most_pods, parts_to_write, still_running
from merchantroute_operator.reconcile.state.own.own_memory import Named, OwnQueues
from merchantroute_operator.reconcile.state.own.tier_pods import TierPods, had_time
from merchantroute_operator.resources.configuration.own_file import GroupEntry, OfGroup
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.spec.route import Route


@dataclass(frozen=True, slots=True)
class Divided:
    """What is divided over the pods of a tier: a share, over so many pods at most (``over``), ``among`` these alone.

    ``beside`` is the most that the pods of all tiers may have, where others than this one's have parts of it, too.
    ``running`` are orders in flight by pod.
    """

    name: str
    tier: str
    share: int
    written: Sequence[Written]
    running: Mapping[str, int]
    named: Named | None
    over: int | None = None
    among: Collection[str] | None = None
    beside: int | None = None


def divided(whose: Divided, tiers: Mapping[str, TierPods], now: float) -> dict[str, int]:
    """The part of each of the tier's pods."""
    mine = tiers.get(whose.tier, TierPods())
    overdue = {pod: mine.live[pod] for pod in _overdue(whose.named, mine, now)}
    live = {pod: generation for pod, generation in mine.live.items() if pod not in overdue}
    others: dict[str, int | None] = dict(mine.ending)
    for tier, those in tiers.items():
        if tier != whose.tier:
            others |= {**those.live, **those.ending}
    most = whose.share if whose.beside is None else whose.beside
    share = min(whose.share, max(0, most - still_running(others, whose.written, whose.running)))
    # One at least: what such a pod holds may never end, and the queue is to be worked by somebody.
    share = max(min(1, share), share - still_running(overdue, whose.written, whose.running, load_newer=False))
    given = parts_to_write(share, whose.name, live, whose.written, whose.running, whose.over, whose.among)
    return {**dict.fromkeys(overdue, 0), **given}


def divide_groups(
    route: Route,
    own: OwnQueues,
    plan: GroupPlan,
    tiers: Mapping[str, TierPods],
    pulses: Mapping[str, Pulse],
    now: float,
) -> list[GroupEntry]:
    """What each group with limits has in the pods of each tier."""
    groups = own.groups_of(route)
    found: list[GroupEntry] = []
    for name in sorted({group for _, group in plan.shares}):
        shares = {tier: share for (tier, group), share in plan.shares.items() if group == name}
        members = [merchant for merchant in plan.members if groups.of(merchant) == name]
        written, running = own.written_for(OfGroup(name)), in_flight(members, pulses)
        for tier, share in sorted(shares.items()):
            named = [own.named[each] for each in members if each in own.named and own.named[each].tier == tier]
            whose = Divided(
                name, tier, share.share, written, running,
                # A pod that does not load what has been told for longest loads nothing.
                min(named, key=lambda each: each.at, default=None),
                over=most_pods(share.rate, share.burst),
                beside=sum(each.share for each in shares.values()),
            )  # fmt: skip
            parts = divided(whose, tiers, now)
            # What is given now counts for the tiers that come after as if it ran.
            running = {pod: max(running.get(pod, 0), parts.get(pod, 0)) for pod in {**running, **parts}}
            found.append(GroupEntry(name, tier, parts, _rate_of(share, parts), share.burst))
    return found


def in_flight(merchants: Collection[str], pulses: Mapping[str, Pulse]) -> dict[str, int]:
    """The orders of all of these merchants that each pod has, at most as many as it has slots."""
    found: Counter[str] = Counter()
    for pod, pulse in pulses.items():
        seen = [figures.in_flight for each in merchants if (figures := pulse.merchants.get(each)) is not None]
        if seen:
            found[pod] = min(sum(seen), pulse.slots or 0)
    return found


def _rate_of(share: GroupShare, parts: Mapping[str, int]) -> float | None:
    """The rate of these parts: those that are not given out yet have theirs elsewhere."""
    given = sum(parts.values())
    if share.rate is None or not given:
        return share.rate
    return float(f"{share.rate * min(1.0, given / share.share):.6g}")


def _overdue(named: Named | None, pods: TierPods, now: float) -> list[str]:
    """Pods that are ready, and have not loaded for a minute what names the queue to them: they may never do.

    If one does after all, it loads what there is by then, which gives it nothing.
    """
    if named is None:
        return []
    return [
        name
        for name, generation in pods.live.items()
        if (generation or 0) < named.generation and had_time(name, named, pods, now)
    ]
