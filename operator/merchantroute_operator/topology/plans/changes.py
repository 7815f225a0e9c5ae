"""The plans of a reconcile, from the observed to the desired topology: no step loses or copies an order.

A reconcile runs ``skeleton``, ``wiring``, ``open_front_door``, ``retire``, each made from an observation that is no
older than the plan before it, or all from one: none undoes what another did.
"""

from __future__ import annotations

from merchantroute_operator.topology.conflicts import conflicts
from merchantroute_operator.topology.plans.front_door import close_front_door, open_front_door
from merchantroute_operator.topology.plans.repair import repair
from merchantroute_operator.topology.plans.repoint import unbind_unwanted_splits
from merchantroute_operator.topology.plans.retire import retire
from merchantroute_operator.topology.plans.skeleton import skeleton
from merchantroute_operator.topology.plans.tear_down import delete_exchanges, tear_down
from merchantroute_operator.topology.plans.wiring import wiring
from merchantroute_operator.topology.reachability import unfed

__all__ = [
    "close_front_door",
    "conflicts",
    "delete_exchanges",
    "open_front_door",
    "repair",
    "retire",
    "skeleton",
    "tear_down",
    "unbind_unwanted_splits",
    "unfed",
    "wiring",
]
