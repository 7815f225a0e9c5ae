"""From what is to what should be, in steps that lose and copy nothing.

A pass runs ``skeleton``, ``wiring``, ``door``, ``retire``, each made from an observation that is no older than the
plan before it, or all from one: each keeps to what the others leave.
"""

from __future__ import annotations

from merchantroute_operator.topology.conflicts import conflicts
from merchantroute_operator.topology.plans.front_door import close_door, door
from merchantroute_operator.topology.plans.repair import mend
from merchantroute_operator.topology.plans.repoint import halt
from merchantroute_operator.topology.plans.retire import retire
from merchantroute_operator.topology.plans.skeleton import skeleton
from merchantroute_operator.topology.plans.tear_down import cut_off, tear_down
from merchantroute_operator.topology.plans.wiring import wiring
from merchantroute_operator.topology.reachability import unfed

__all__ = [
    "close_door",
    "conflicts",
    "cut_off",
    "door",
    "halt",
    "mend",
    "retire",
    "skeleton",
    "tear_down",
    "unfed",
    "wiring",
]
