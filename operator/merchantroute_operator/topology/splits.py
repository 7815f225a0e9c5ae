"""Splits of a tier's orders between its lanes, by a consistent hash of the order's id.

Of the two splits of a tier at most one is bound. Neither a consistent hash's weight may be changed in place (the
second binding of a queue is ignored, and removing the first empties the lane) nor may two bindings match one order,
so another weight, and a split that somebody changed, is: build the idle split whole, unbind the old one, bind it.
In between the tier's alternate exchange, ``stable``, catches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from merchantroute_operator import naming
from merchantroute_operator.spec.route import Route, Tier
from merchantroute_operator.topology import arguments
from merchantroute_operator.topology.objects import Binding, Exchange, Plan, Topology
from merchantroute_operator.topology.plans.batches import binds, in_order, unbinds

HASH = "x-consistent-hash"
SIDES = ("a", "b")
Place = tuple[str, str]
NONE: Mapping[str, str] = MappingProxyType({})


def choose(route: Route, observed: Topology, shunned: Mapping[str, str] = NONE) -> dict[str, str]:
    """Tier -> side of its split that orders should take; tiers without a weight, or with a doubled split, have none.

    The bound side if it is as it should be and not ``shunned`` (tier -> side), else the idle one. Where somebody bound
    both, and neither is right, none may be touched before both are unbound: the next pass goes on from there.
    """
    place = (route.namespace, route.name)
    found = {}
    for tier in route.tiers:
        if tier.canary is None or not tier.canary.weight:
            continue
        bound = [side for side in SIDES if way_to(place, tier, side) in observed.bindings]
        trusted = [side for side in bound if shunned.get(tier.name) != side]
        right = [side for side in trusted if _is_as_wanted(place, tier, side, observed)]
        idle = [side for side in SIDES if side not in bound]
        if right or idle:
            found[tier.name] = (right or idle)[0]
    return found


def altered_splits(route: Route, observed: Topology, last: Mapping[str, int]) -> dict[str, str]:
    """Tier -> in words, what its split is like that is not as it was left; ``last`` is tier -> weight of then.

    Tiers whose weight has changed since are left out.
    """
    place, sides = (route.namespace, route.name), choose(route, observed)
    return {
        tier.name: _state(place, tier, observed)
        for tier in route.tiers
        if tier.canary is not None
        and tier.canary.weight
        and last.get(tier.name) == tier.canary.weight
        and (tier.name not in sides or way_to(place, tier, sides[tier.name]) not in observed.bindings)
    }


def in_use(route: Route, observed: Topology) -> dict[str, tuple[int, str]]:
    """Tier -> weight and side of the one split that its orders take now."""
    place, found = (route.namespace, route.name), {}
    for tier in route.tiers:
        sides = [side for side in SIDES if way_to(place, tier, side) in observed.bindings]
        if tier.canary is not None and tier.canary.weight and len(sides) == 1:
            found[tier.name] = (tier.canary.weight, sides[0])
    return found


def is_undecided(route: Route, observed: Topology) -> bool:
    """Whether a tier that should have a split can have one only in the next pass."""
    wanted = {tier.name for tier in route.tiers if tier.canary is not None and tier.canary.weight}
    return not wanted <= choose(route, observed).keys()


def way_to(place: Place, tier: Tier, side: str) -> Binding:
    """The one binding that sends a tier's orders through a split."""
    return Binding(naming.tier_exchange(*place, tier.name), naming.split_exchange(*place, tier.name, side), "exchange")


def exchange(place: Place, owner: str, tier: Tier, side: str) -> Exchange:
    """A split. What it cannot route (it has no binding yet) goes to the lane ``stable``."""
    alternate = naming.stable_exchange(*place, tier.name)
    hashed = {**arguments.exchange(owner, alternate), "hash-property": "correlation_id"}
    return Exchange(naming.split_exchange(*place, tier.name, side), HASH, hashed)


def shares(place: Place, tier: Tier, side: str) -> Iterator[Binding]:
    """The split's bindings: the key is the number of parts of a hundred, so that one part is one percent."""
    weight = tier.canary.weight if tier.canary else 0
    parts = {naming.stable_queue(*place, tier.name): 100 - weight, naming.canary_queue(*place, tier.name): weight}
    source = naming.split_exchange(*place, tier.name, side)
    return (Binding(source, queue, "queue", key=str(part)) for queue, part in parts.items() if part)


def detours(desired: Topology, observed: Topology) -> frozenset[Binding]:
    """What sends a tier's orders through a split that is not wanted: without it ``stable`` gets them at once."""
    splits = {name for name, found in observed.exchanges.items() if found.kind == HASH}
    return frozenset(b for b in observed.bindings - desired.bindings if b.to == "exchange" and b.target in splits)


def to_rebuild(desired: Topology, observed: Topology) -> Plan:
    """What makes each wanted split whole; one that needs anything is idle.

    A split that holds anything else is emptied first: a queue that is bound twice has no share once one of the two
    goes. The canary is bound before ``stable``, so that it has the first parts of the hundred: whichever order had it
    at a smaller weight, or before a repair, has it again.
    """
    names = {name for name, exchange in desired.exchanges.items() if exchange.kind == HASH}
    stale: set[Binding] = set()
    first: set[Binding] = set()
    second: set[Binding] = set()
    for name in names:
        want, have = _bindings_from(name, desired), _bindings_from(name, observed)
        canary = {binding for binding in want if binding.target.endswith(f".{naming.CANARY}")}
        if have not in (want, canary, set()):
            stale |= have
            have = set()
        first |= canary - have
        second |= want - canary - have
    return in_order(unbinds(stale), binds(first), binds(second))


def is_share(binding: Binding, topology: Topology) -> bool:
    """Whether a binding leaves a split."""
    source = topology.exchanges.get(binding.source)
    return source is not None and source.kind == HASH


def _is_as_wanted(place: Place, tier: Tier, side: str, observed: Topology) -> bool:
    name = naming.split_exchange(*place, tier.name, side)
    return name in observed.exchanges and _bindings_from(name, observed) == set(shares(place, tier, side))


def _state(place: Place, tier: Tier, observed: Topology) -> str:
    bound = [side for side in SIDES if way_to(place, tier, side) in observed.bindings]
    if len(bound) != 1:
        return "no split had the tier's orders" if not bound else "both splits had the tier's orders"
    head = f"{naming.tier_exchange(*place, tier.name)}."
    bindings = _bindings_from(naming.split_exchange(*place, tier.name, bound[0]), observed)
    found = sorted((binding.target.removeprefix(head), binding.key) for binding in bindings)
    return f"split {bound[0]} had {', '.join(f'{target} {key}' for target, key in found) or 'no binding'}"


def _bindings_from(split: str, topology: Topology) -> set[Binding]:
    """All of them, also to what is not ours: that would have a share too."""
    return {binding for binding in topology.bindings if binding.source == split}
