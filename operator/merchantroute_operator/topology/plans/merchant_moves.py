"""Moves merchants between tiers, and to and from their own queues, by bindings on the router.

A binding there is an overlay: it leads a merchant's orders past ``assigned``, which can be re-pointed meanwhile. An own
queue's stays for as long as the route wants it, a move's for as long as the move takes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from merchantroute_operator.topology.objects import Binding, Plan, Topology
from merchantroute_operator.topology.plans.batches import binds, in_order, unbinds
from merchantroute_operator.topology.queries import bindings_from, without_twins


def repoint_merchants(router: str, assigned: str, desired: Topology, observed: Topology) -> Plan:
    """Five batches over all merchants: overlays put on, old assignments off, new ones on, overlays off, own queues on.

    A merchant without an assignment is simply bound (until then ``default`` catches it), one that is gone is unbound.
    One that moves is bound on the router first: to its own queue where it is to have one, else to its new tier. An
    overlay that is there serves as it is, wherever it leads, also that of an own queue which is to be closed: a second
    one would give its orders copies; where there are two, one goes at once. So an own queue is bound after a move's
    overlay, which a crash left behind, has gone.
    """
    want = _by_key(bindings_from(desired.bindings, assigned))
    have = _by_key(bindings_from(observed.bindings, assigned))
    overlays = _overlays(router, desired, observed)
    moved = [
        overlays.wanted.get(b.key) or Binding(router, b.target, b.to, key=b.key)
        for b in chain.from_iterable(want.values())
        if have[b.key] and b not in have[b.key] and b.key not in overlays.there
    ]
    missing = overlays.wanted.keys() - overlays.there.keys()
    first = {*moved, *(overlays.wanted[key] for key in missing)}
    own = frozenset(overlays.wanted.values())
    gone = without_twins(overlays.kept.union(moved) - own, own)
    return in_order(
        (*unbinds(overlays.surplus), *binds(first)),
        unbinds(without_twins(_minus(have, want), chain.from_iterable(want.values()))),
        binds(_minus(want, have)),
        unbinds(gone),
        binds(overlays.wanted[b.key] for b in gone if b.key in overlays.wanted),
    )


@dataclass(frozen=True, slots=True)
class _Overlays:
    """Bindings on the router: those wanted, by key; of each key that has any the one that serves for now.

    ``surplus`` are those beside it that lead elsewhere; ``kept`` are all others that are there.
    """

    wanted: Mapping[str, Binding]
    there: Mapping[str, Binding]
    surplus: frozenset[Binding]
    kept: frozenset[Binding]


def _overlays(router: str, desired: Topology, observed: Topology) -> _Overlays:
    wanted = {binding.key: binding for binding in bindings_from(desired.bindings, router)}
    found = bindings_from(observed.bindings, router)
    there: dict[str, Binding] = {}
    for key, bindings in _by_key(found).items():
        own = wanted[key].target if key in wanted else ""
        there[key] = min(bindings, key=lambda b: (b.target != own, b.target))
    surplus = frozenset(b for b in found if b.target != there[b.key].target)
    return _Overlays(wanted, there, surplus, found - surplus)


def _by_key(bindings: Iterable[Binding]) -> defaultdict[str, set[Binding]]:
    found: defaultdict[str, set[Binding]] = defaultdict(set)
    for binding in bindings:
        found[binding.key].add(binding)
    return found


def _minus(these: Mapping[str, set[Binding]], those: Mapping[str, set[Binding]]) -> Iterable[Binding]:
    for key, bindings in these.items():
        yield from bindings - those.get(key, set())
