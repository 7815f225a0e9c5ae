"""Deletes a route's topology: at the end of a Drain, and for Force, which first stops all orders where they are."""

from __future__ import annotations

from collections.abc import Mapping

from merchantroute_operator import naming
from merchantroute_operator.topology.objects import Delete, Exchange, Plan, Queue, Topology
from merchantroute_operator.topology.plans.batches import exchanges_apart, in_order
from merchantroute_operator.topology.queries import owner_of


def delete_exchanges(observed: Topology, *, owner: str) -> Plan:
    """Delete every exchange that carries ``owner``, so that no order changes its queue: only then can they be counted.

    What expires in a rung stays there, since RabbitMQ keeps what it cannot dead-letter at least once.
    """
    first = {naming.front_door(*naming.place(owner))}
    exchanges = _owned(observed.exchanges, owner)
    return in_order(
        (Delete("exchange", name) for name in exchanges & first),
        *exchanges_apart(exchanges - first, observed.bindings),
    )


def tear_down(observed: Topology, *, owner: str, keep_dead: bool) -> Plan:
    """Delete all that carries ``owner``: the front door first, then queues (whatever they hold), then exchanges.

    With ``keep_dead`` the dead letters stay, with their exchange: a route of the same name adopts them. Nothing of
    another owner is touched, also if it has a name of ours.
    """
    place = naming.place(owner)
    first = {naming.front_door(*place)}
    kept = {naming.dead(*place)} if keep_dead else set()
    exchanges = _owned(observed.exchanges, owner)
    return in_order(
        (Delete("exchange", name) for name in exchanges & first),
        (Delete("queue", name) for name in sorted(_owned(observed.queues, owner) - kept)),
        *exchanges_apart(exchanges - first - kept, observed.bindings),
    )


def _owned(things: Mapping[str, Exchange] | Mapping[str, Queue], owner: str) -> set[str]:
    return {name for name, thing in things.items() if owner_of(thing) == owner}
