"""The first plan of a reconcile: whatever is missing, in an order in which nothing is reachable before it works.

Exchanges come first (all but the front door), then queues, then the bindings that never change while their ends are
there: those to queues before those to exchanges, so that what an exchange leads to leads on. A binding that replaces
another (``default``, ``retry.last``) is made here only where there is none at all: beside another one, an order
would get copies; swapping is ``wiring``'s. So is sending orders through a split, which here is only made whole, and to
a merchant's own queue.
"""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.topology.objects import Binding, Declare, Plan, Topology
from merchantroute_operator.topology.plans.batches import binds, in_order
from merchantroute_operator.topology.queries import bindings_from, place_of
from merchantroute_operator.topology.splits import detours, is_share, to_rebuild


def skeleton(desired: Topology, observed: Topology) -> Plan:
    """Declare what is missing and make the fixed inner bindings."""
    place = place_of(desired)
    door = naming.front_door(*place)
    later = {door, naming.router(*place), naming.assigned(*place), *(b.source for b in detours(observed, desired))}
    missing = (b for b in desired.bindings - observed.bindings if b.source not in later and not is_share(b, desired))
    inner = [binding for binding in missing if not _would_double(binding, observed)]
    made = in_order(
        (
            Declare(exchange)
            for name, exchange in desired.exchanges.items()
            if name not in observed.exchanges and name != door
        ),
        (Declare(queue) for name, queue in desired.queues.items() if name not in observed.queues),
    )
    led = in_order(
        binds(binding for binding in inner if binding.to == "queue"),
        binds(binding for binding in inner if binding.to == "exchange"),
    )
    return (*made, *to_rebuild(desired, observed), *led)


def _would_double(binding: Binding, observed: Topology) -> bool:
    """Whether an order that takes this binding already takes another one from the same exchange."""
    return any(
        (other.key, other.rung) == (binding.key, binding.rung)
        for other in bindings_from(observed.bindings, binding.source)
    )
