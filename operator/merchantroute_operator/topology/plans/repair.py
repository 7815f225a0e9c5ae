"""Repairs exchanges of ours that somebody made anew with another type or arguments.

The broker changes neither the type nor an argument of what exists, so that such an exchange has to go first. The front
door goes before it: until the pass opens it again, a moment later, publishing fails with 404 instead of passing into
an exchange that leads nowhere, which the broker would confirm. Orders on rungs stay there while their target lacks.

A queue has orders, so it is never mended: that is a conflict.
"""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.topology.objects import Delete, Plan, Topology
from merchantroute_operator.topology.plans.batches import in_order
from merchantroute_operator.topology.queries import owner_of, place_of, the_owner


def repair(desired: Topology, observed: Topology) -> Plan:
    """Delete exchanges with our owner mark that differ; ``skeleton``, ``wiring``, ``open_front_door`` remake them."""
    door, owner = naming.front_door(*place_of(desired)), the_owner(desired)
    altered = {
        name
        for name in desired.exchanges.keys() & observed.exchanges.keys()
        if owner_of(observed.exchanges[name]) == owner and observed.exchanges[name] != desired.exchanges[name]
    }
    return in_order(
        [Delete("exchange", door)] if altered and door in observed.exchanges else [],
        [Delete("exchange", name) for name in sorted(altered - {door})],
    )
