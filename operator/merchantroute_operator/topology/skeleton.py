"""The first plan of a pass: whatever is missing, in an order in which nothing is reachable before it works.

Exchanges come first (all but the front door), then queues, then the bindings that never change while their ends are
there: those to queues before those to exchanges, so that what an exchange leads to leads on. A binding that replaces
another (``default``, ``retry.last``) is made here only where there is none at all: beside another one, an order
would get copies; swapping is ``wiring``'s.
"""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.topology.batches import binds, in_order
from merchantroute_operator.topology.reading import leaving, place_of
from merchantroute_operator.topology.types import Binding, Declare, Plan, Topology


def skeleton(desired: Topology, observed: Topology) -> Plan:
    """Declare what is missing and make the fixed inner bindings."""
    place = place_of(desired)
    door, assigned = naming.front_door(*place), naming.assigned(*place)
    missing = (b for b in desired.bindings - observed.bindings if b.source not in {door, assigned})
    inner = [binding for binding in missing if not _would_double(binding, observed)]
    return in_order(
        (
            Declare(exchange)
            for name, exchange in desired.exchanges.items()
            if name not in observed.exchanges and name != door
        ),
        (Declare(queue) for name, queue in desired.queues.items() if name not in observed.queues),
        binds(binding for binding in inner if binding.to == "queue"),
        binds(binding for binding in inner if binding.to == "exchange"),
    )


def _would_double(binding: Binding, observed: Topology) -> bool:
    """Whether an order that takes this binding already takes another one from the same exchange."""
    return any(
        (other.key, other.rung) == (binding.key, binding.rung) for other in leaving(observed.bindings, binding.source)
    )
