"""The first plan of a pass: whatever is missing, in an order in which nothing is reachable before it works.

Exchanges come first (all but the front door), then queues, then the bindings that never change while their ends are
there. A binding that replaces another (``default``, ``retry.last``) is made here only where there is none at all:
beside another one, an order would get copies; swapping is ``wiring``'s.
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
    inner = (b for b in desired.bindings - observed.bindings if b.source not in {door, assigned})
    return in_order(
        (
            Declare(exchange)
            for name, exchange in desired.exchanges.items()
            if name not in observed.exchanges and name != door
        ),
        (Declare(queue) for name, queue in desired.queues.items() if name not in observed.queues),
        binds(b for b in inner if not _would_double(b, observed)),
    )


def _would_double(binding: Binding, observed: Topology) -> bool:
    """Whether an order that takes this binding already takes another one from the same exchange."""
    return any(
        (other.key, other.rung) == (binding.key, binding.rung) for other in leaving(observed.bindings, binding.source)
    )
