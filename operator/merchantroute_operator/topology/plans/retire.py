"""The last plan of a reconcile: deletes what the route no longer wants, and never an order.

Of a tier that is gone: its inputs were unbound by ``wiring``, so its exchanges go at once; its lane once its emptiness
is proven; then nothing publishes to its ladder any more, whose rungs empty by themselves, and then that goes.
Of a ladder that lost a rung: the rung's binding goes first, so that orders fall to the longest one, then the rung.
"""

from __future__ import annotations

from collections.abc import Collection

from merchantroute_operator.topology.objects import Delete, Plan, Topology
from merchantroute_operator.topology.plans.batches import exchanges_apart, in_order, unbinds
from merchantroute_operator.topology.queries import bindings_from, owner_of, the_owner
from merchantroute_operator.topology.reachability import reachable, unfed


def retire(desired: Topology, observed: Topology, empty: Collection[str]) -> Plan:
    """Remove what is ours and not desired; a queue only if its name is in ``empty``, which the caller has proven.

    A queue that an order could still newly enter is left, whatever ``empty`` says: its emptiness is not final.
    """
    owner = the_owner(desired)
    old_rungs = (
        binding
        for name, exchange in desired.exchanges.items()
        if exchange.kind == "headers"
        for binding in bindings_from(observed.bindings - desired.bindings, name)
    )
    queues = sorted(unfed(desired, observed).intersection(empty))
    in_use, _ = reachable(desired, observed)
    unused = observed.exchanges.keys() - in_use
    exchanges = {name for name in unused if owner_of(observed.exchanges[name]) == owner}
    return in_order(
        unbinds(old_rungs),
        (Delete("queue", name) for name in queues if owner_of(observed.queues[name]) == owner),
        *exchanges_apart(exchanges, observed.bindings),
    )
