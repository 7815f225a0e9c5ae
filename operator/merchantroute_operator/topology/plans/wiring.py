"""The plan that changes where orders go: ladders, canaries, the default tier, merchants.

Each part leaves, after every single operation, one way on for every order; so does any mixture of them, since they
touch exchanges of their own.
"""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.topology.objects import Plan, Topology
from merchantroute_operator.topology.plans.merchant_moves import repoint_merchants
from merchantroute_operator.topology.plans.repoint import divert, repoint, repoint_default
from merchantroute_operator.topology.queries import place_of


def wiring(desired: Topology, observed: Topology) -> Plan:
    """Re-point what should lead elsewhere. Run ``skeleton`` first: new rungs have their bindings from there.

    ``retry.last`` follows the longest rung: only orders whose rung no longer exists fall through to it, and while it
    is empty its alternate, the router, takes those.
    """
    place = place_of(desired)
    ladders = (name for name in desired.exchanges if name.endswith(".retry.last"))
    return (
        *(batch for last in ladders for batch in repoint(last, desired, observed)),
        *divert(desired, observed),
        *repoint_default(naming.default(*place), naming.fallback(*place), desired, observed),
        *repoint_merchants(naming.router(*place), naming.assigned(*place), desired, observed),
    )
