"""Moves merchants between tiers: overlay bindings on the router while ``assigned`` is re-pointed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain

from merchantroute_operator.topology.objects import Binding, Plan, Topology
from merchantroute_operator.topology.plans.batches import binds, in_order, unbinds
from merchantroute_operator.topology.queries import bindings_from, without_twins


def repoint_merchants(router: str, assigned: str, desired: Topology, observed: Topology) -> Plan:
    """Four batches over all merchants: overlays put on, old assignments off, new ones on, overlays off.

    A merchant without an assignment is simply bound (until then ``default`` catches it), one that is gone is unbound.
    One that moves is bound on the router to its new tier first. An overlay that a crash left behind serves as it is,
    wherever it leads: a second one would give its orders copies; where there are two, one goes at once.
    """
    want = _by_key(bindings_from(desired.bindings, assigned))
    have = _by_key(bindings_from(observed.bindings, assigned))
    over = _by_key(bindings_from(observed.bindings, router))
    surplus = [b for bindings in over.values() for b in bindings if b.target != min(each.target for each in bindings)]
    moved = [
        Binding(router, b.target, b.to, key=b.key)
        for b in chain.from_iterable(want.values())
        if have[b.key] and b not in have[b.key] and not over[b.key]
    ]
    kept = {b for bindings in over.values() for b in bindings}.difference(surplus)
    return in_order(
        (*unbinds(surplus), *binds(moved)),
        unbinds(without_twins(_minus(have, want), chain.from_iterable(want.values()))),
        binds(_minus(want, have)),
        unbinds(kept.union(moved)),
    )


def _by_key(bindings: Iterable[Binding]) -> defaultdict[str, set[Binding]]:
    found: defaultdict[str, set[Binding]] = defaultdict(set)
    for binding in bindings:
        found[binding.key].add(binding)
    return found


def _minus(these: Mapping[str, set[Binding]], those: Mapping[str, set[Binding]]) -> Iterable[Binding]:
    for key, bindings in these.items():
        yield from bindings - those.get(key, set())
