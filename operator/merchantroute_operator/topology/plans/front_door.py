"""The front door: last in, first out. Publishing where there is none fails loudly, publishing past it silently."""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.topology.objects import Declare, Delete, Plan, Topology
from merchantroute_operator.topology.plans.batches import in_order
from merchantroute_operator.topology.plans.repoint import repoint
from merchantroute_operator.topology.queries import place_of


def open_front_door(desired: Topology, observed: Topology) -> Plan:
    """Open the front door, once everything behind it is there."""
    name = naming.front_door(*place_of(desired))
    missing = [Declare(desired.exchanges[name])] if name not in observed.exchanges else []
    return (*in_order(missing), *repoint(name, desired, observed))


def close_front_door(observed: Topology, front_door: str) -> Plan:
    """Close it: from now on a publish fails with 404, and what is inside can drain."""
    return in_order([Delete("exchange", front_door)] if front_door in observed.exchanges else [])
