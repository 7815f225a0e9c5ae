"""Parses ``spec.isolation`` and the limits of merchants: a merchant's own, else its tier's, else the route's; and those
of groups, which hold beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.route import NO_LIMITS, IsolationPolicy, MerchantLimits, Raw, Route
from merchantroute_operator.spec.sections.isolation_by_hand import parse_by_hand
from merchantroute_operator.spec.sections.merchant_groups import group_of

LARGEST_RATE = 10_000  # orders per second
_LARGEST = 1_000_000  # orders in flight, or at once


def parse_isolation(raw: Raw, annotations: Mapping[str, str]) -> IsolationPolicy:
    """The section, and what was asked by hand in the route's annotations; without each merchant's limits."""
    by_hand = parse_by_hand(annotations)
    return IsolationPolicy(
        mode=raw.get("mode", "Automatic"),
        pinned=frozenset(raw.get("pinned") or ()),
        exempt=frozenset(raw.get("exempt") or ()),
        held=by_hand.held,
        isolated=by_hand.isolated,
        max_own_queues=raw.get("maxOwnQueues", 200),
        max_tripped_share=raw.get("maxTrippedShare", 0.5),
        default_limits=parse_limits(raw.get("merchantLimits"), "spec.isolation.merchantLimits"),
        group_limits={
            group["name"]: parse_limits(group.get("limits"), f"spec.isolation.groups[{group['name']}].limits")
            for group in raw.get("groups") or ()
        },
        held_groups=by_hand.held_groups,
        problems=by_hand.problems,
    )


def parse_limits(raw: Raw | None, where: str) -> MerchantLimits:
    """``limits`` of a merchant, or those that a tier or route has for its merchants; ``SpecInvalid`` begins with
    ``where``.
    """
    if not raw:
        return NO_LIMITS
    return MerchantLimits(
        max_in_flight=_within(raw, "maxInFlight", _LARGEST, where),
        max_rate=_within(raw, "maxRate", LARGEST_RATE, where),
        burst=_within(raw, "burst", _LARGEST, where) or 1,
    )


def with_limits(route: Route) -> Route:
    """The route with the limits of each of its merchants merged; a burst goes with the rate that it belongs to.

    None has more than its group. So a merchant without limits has some where its group has, if only ``NO_LIMITS``.
    """
    of_tier = {tier.name: _over(tier.merchant_limits, route.isolation.default_limits) for tier in route.tiers}
    of_group = route.isolation.group_limits
    limits: dict[str, MerchantLimits] = {}
    for merchant in route.merchants:
        merged = _over(merchant.limits, of_tier[merchant.tier])
        group = of_group.get(group_of(merchant)) if of_group else None
        if group is not None:
            limits[merchant.id] = _within_group(merged, group)
        elif merged != NO_LIMITS:
            limits[merchant.id] = merged
    return replace(route, isolation=replace(route.isolation, limits=limits))


def unknown_groups(route: Route) -> tuple[str, ...]:
    """Groups that the section or a hand names and of which the route lists no merchant, in order."""
    policy = route.isolation
    named = {*policy.group_limits, *policy.held_groups}
    return tuple(sorted(named.difference(map(group_of, route.merchants)))) if named else ()


def unknown_merchants(route: Route) -> tuple[str, ...]:
    """Merchants that the section or a hand names and the route does not know, in order; none where it serves any id."""
    if route.default_endpoint is not None:
        return ()
    policy = route.isolation
    named = {*policy.pinned, *policy.exempt, *policy.held, *policy.isolated}
    return tuple(sorted(named.difference(merchant.id for merchant in route.merchants)))


def _over(limits: MerchantLimits, below: MerchantLimits) -> MerchantLimits:
    if limits == NO_LIMITS:
        return below
    rate = limits if limits.max_rate is not None else below
    return MerchantLimits(
        max_in_flight=below.max_in_flight if limits.max_in_flight is None else limits.max_in_flight,
        max_rate=rate.max_rate,
        burst=rate.burst,
    )


def _within_group(limits: MerchantLimits, group: MerchantLimits) -> MerchantLimits:
    """Its rate is not told to pods once more: they hold to the group's as well."""
    if group.max_in_flight is None:
        return limits
    own = limits.max_in_flight
    return replace(limits, max_in_flight=group.max_in_flight if own is None else min(own, group.max_in_flight))


def _within(raw: Raw, name: str, largest: int, where: str) -> Any:
    value = raw.get(name)
    if value is not None and not 0 < value <= largest:
        raise SpecInvalid(f"{where}.{name}: {value} is out of bounds; write more than 0 and at most {largest}")
    return value
