"""Groups that somebody holds by hand: all of their merchants are held, and released together at their pace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from merchantroute_operator.isolation.groups.route_groups import Groups
from merchantroute_operator.isolation.model import Policy


def with_held_groups(policy: Policy, groups: Groups, seen: Iterable[str], wall: float) -> Policy:
    """The policy that holds the merchants of its held groups: those that the route lists, as many as there could be
    queues, and those that are ``seen``.
    """
    held_groups = {group: end for group, end in policy.held_groups.items() if end > wall}
    if not held_groups:
        return policy
    held: dict[str, float] = {}
    for group, end in held_groups.items():
        held |= dict.fromkeys(islice(groups.members(group), policy.max_own_queues + 1), end)
    held |= {each: held_groups[group] for each in seen if (group := groups.of(each)) in held_groups}
    held |= {each: max(end, held.get(each, 0.0)) for each, end in policy.held.items()}
    return replace(policy, held=held, exempt=policy.exempt - held.keys())
