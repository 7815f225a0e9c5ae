"""Computes which queues an order can still newly enter.

Read over what is observed and what is desired together, and with every alternate exchange counted as a way on: it
may call a queue fed that is not (then it is deleted later), never the other way round.
"""

from __future__ import annotations

from collections import defaultdict

from merchantroute_operator import naming
from merchantroute_operator.topology.objects import Topology


def unfed(desired: Topology, observed: Topology) -> frozenset[str]:
    """Observed queues that are not desired and that no new order can enter: the ones whose emptiness is final.

    Orders come from the front door, from rungs (to the router) and from workers, which publish to the ladder of their
    own tier for as long as its lane is there. The lane of a tier that is gone is fed by nothing; its ladder is, until
    the lane has been deleted.
    """
    _, queues = reachable(desired, observed)
    return frozenset(observed.queues.keys() - desired.queues.keys() - queues)


def reachable(desired: Topology, observed: Topology) -> tuple[frozenset[str], frozenset[str]]:
    """Exchanges and queues that an order can come to from anything that is desired or that a worker publishes to."""
    onward: defaultdict[str, set[str]] = defaultdict(set)
    ends: defaultdict[str, set[str]] = defaultdict(set)
    for binding in desired.bindings | observed.bindings:
        (onward if binding.to == "exchange" else ends)[binding.source].add(binding.target)
    for exchange in (*desired.exchanges.values(), *observed.exchanges.values()):
        if alternate := exchange.arguments.get("alternate-exchange"):
            onward[exchange.name].add(str(alternate))
    seen: set[str] = set()
    todo = {*desired.exchanges, *_ladders_in_use(observed)}
    while todo:
        name = todo.pop()
        seen.add(name)
        todo |= onward[name] - seen
    return frozenset(seen), frozenset(queue for name in seen for queue in ends[name])


def _ladders_in_use(observed: Topology) -> set[str]:
    """The retry exchanges of tiers of which a lane is still there."""
    ends = ".retry"
    return {
        name
        for name in observed.exchanges
        if name.endswith(ends)
        and any(f"{name.removesuffix(ends)}.{lane}" in observed.queues for lane in (naming.STABLE, naming.CANARY))
    }
