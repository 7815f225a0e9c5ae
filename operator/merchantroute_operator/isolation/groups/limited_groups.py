"""What the merchants of a group with limits have together in the pods of each tier, and how much pods fetch of each.

Pods hold to the group's part themselves: what one merchant leaves the others have at once, and they take turns. So here
nothing is divided over merchants but what pods fetch of each, since what they have fetched waits unacked, and RabbitMQ
takes that back after half an hour. A group whose merchants are in several tiers is divided over these by their orders.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

from merchantroute_operator.isolation.groups.failing import Key
from merchantroute_operator.isolation.model import MerchantLimits

T = TypeVar("T")
TURN = 20.0
"""Seconds after which others have what there is not enough of."""
FETCHED = 20
"""Orders that pods fetch for each that may be in flight: so many orders' time the last of them waits at most."""
AHEAD = 300.0
"""Seconds of a rate whose orders are fetched, as pods hold to it for each merchant."""


@dataclass(frozen=True, slots=True)
class Member:
    """A merchant of a group, with an own queue: it may have ``most`` orders in flight by itself, and has ``orders``."""

    merchant: str
    tier: str
    group: str
    most: int
    orders: int


@dataclass(frozen=True, slots=True)
class GroupShare:
    """What a group has in the pods of one tier: orders in flight, and orders per second with so many at once."""

    share: int
    rate: float | None = None
    burst: int = 1


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """``shares`` by tier and group; ``members`` are the orders of each merchant that pods may fetch or work."""

    shares: Mapping[Key, GroupShare] = field(default_factory=dict)
    members: Mapping[str, int] = field(default_factory=dict)


def plan_groups(
    limits: Mapping[str, MerchantLimits],
    members: Sequence[Member],
    slots: Mapping[str, int],
    now: float,
    before: GroupPlan,
) -> GroupPlan:
    """The plan at ``now`` (seconds), and after ``before``; ``members`` are of groups with ``limits``.
    ``slots`` are those of each tier.
    """
    turn = int(now // TURN)
    by_group: defaultdict[str, defaultdict[str, list[Member]]] = defaultdict(lambda: defaultdict(list))
    for member in members:
        by_group[member.group][member.tier].append(member)
    shares: dict[Key, GroupShare] = {}
    fetched: dict[str, int] = {}
    for group, tiers in by_group.items():
        demand = {tier: sum(member.orders for member in those) for tier, those in sorted(tiers.items())}
        had = {tier: share.share for (tier, name), share in before.shares.items() if name == group}
        for tier, share in _over_tiers(limits[group], demand, slots, turn, had).items():
            shares[tier, group] = share
            # A tier that has every second turn alone would let every second merchant have them.
            fetched |= _fetched(share, tiers[tier], turn // len(tiers), before.members)
    return GroupPlan(shares, fetched)


def _over_tiers(
    limits: MerchantLimits, demand: Mapping[str, int], slots: Mapping[str, int], turn: int, had: Mapping[str, int]
) -> dict[str, GroupShare]:
    """Max-min by demand; then what is left, equally. Where tiers have none, others have some in the next turn. What
    they ``had`` stays where nobody needs more of it.
    """
    of_slots = sum(max(1, slots.get(tier, 0)) for tier in demand)
    total = left = of_slots if limits.max_in_flight is None else limits.max_in_flight
    names = _from(list(demand), turn * total)
    found = dict.fromkeys(names, 0)
    left = _filled(found, {tier: _roughly(demand[tier]) for tier in names if demand[tier]}, left)
    _filled(found, dict.fromkeys(names, total), left)
    kept = {tier: had.get(tier, 0) for tier in names}
    if sum(kept.values()) == total and all(kept[tier] >= min(demand[tier], found[tier]) for tier in names):
        found = kept
    return {
        tier: GroupShare(
            share,
            None if limits.max_rate is None else float(f"{limits.max_rate * max(1, share) / total:.6g}"),
            max(1, limits.burst * share // total),
        )
        for tier, share in found.items()
    }


def _filled(found: dict[str, int], caps: Mapping[str, int], left: int) -> int:
    """Raise each up to its cap, the least first; what is left then."""
    below = [name for name, cap in caps.items() if found[name] < cap]
    while left and below:
        each = max(1, left // len(below))
        for name in below:
            more = min(each, caps[name] - found[name], left)
            found[name] += more
            left -= more
        below = [name for name in below if found[name] < caps[name]]
    return left


def _fetched(share: GroupShare, members: Sequence[Member], turn: int, before: Mapping[str, int]) -> dict[str, int]:
    """First those that have orders: as many each, in turns where it is not enough. The others keep what they had."""
    left = FETCHED * share.share
    if share.rate is not None and left:
        left = min(left, max(1, int(AHEAD * share.rate)))
    found = dict.fromkeys((member.merchant for member in members), 0)
    busy = sorted((m for m in members if m.orders and m.most), key=_place)
    if len(busy) > left:
        busy = _from(busy, turn * left)
    each = max(1, left // _roughly(len(busy))) if busy else 0
    for member in busy:
        found[member.merchant] = min(member.most, share.share, each, left)
        left -= found[member.merchant]
    idle = sorted((m for m in members if not m.orders and m.most), key=_place)
    for one_at_first in (True, False):
        for member in idle:
            had = max(1, before.get(member.merchant, 0))
            wanted = min(member.most, share.share, 1 if one_at_first else had)
            more = max(0, min(wanted - found[member.merchant], left))
            found[member.merchant] += more
            left -= more
    return found


def _from(items: list[T], place: int) -> list[T]:
    """The items beginning at a place, round and round."""
    start = place % len(items) if items else 0
    return items[start:] + items[:start]


def _roughly(count: int) -> int:
    """The next power of two: each change is a new configuration for the pods."""
    return 1 << max(0, count - 1).bit_length()


def _place(member: Member) -> bytes:
    return sha256(member.merchant.encode()).digest()
