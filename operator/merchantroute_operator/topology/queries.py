"""Queries of a topology that several plans share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from merchantroute_operator import naming
from merchantroute_operator.topology.objects import (
    OWNER,
    Bind,
    Binding,
    Declare,
    Exchange,
    Plan,
    Queue,
    Topology,
    Unbind,
)


def owner_of(thing: Exchange | Queue) -> str:
    """The owner mark, or an empty text."""
    return str(thing.arguments.get(OWNER, ""))


def place_of(topology: Topology) -> tuple[str, str]:
    """Namespace and route of a desired topology."""
    return naming.place(the_owner(topology))


def the_owner(topology: Topology) -> str:
    """The owner of a desired topology: it is the same on everything."""
    return owner_of(next(iter(topology.exchanges.values())))


def is_inside(name: str, front_door: str) -> bool:
    """Whether a name is the route's own."""
    return name == front_door or name.startswith(front_door + ".")


class Touched(NamedTuple):
    """What a plan changes: the exchanges and queues that it declares, the exchanges whose bindings it may change."""

    exchanges: frozenset[str]
    queues: frozenset[str]
    sources: frozenset[str]


def touched_by(plan: Plan) -> Touched | None:
    """What has to be looked at after a plan; None where it deletes anything, since bindings go with their ends."""
    exchanges, queues, sources = set(), set(), set()
    for op in (op for batch in plan for op in batch):
        match op:
            case Declare(Exchange(name)):
                exchanges.add(name)
            case Declare(Queue(name)):
                queues.add(name)
            case Bind(binding) | Unbind(binding):
                sources.add(binding.source)
            case _:
                return None
    return Touched(frozenset(exchanges), frozenset(queues), frozenset(sources | exchanges))


def bindings_from(bindings: Iterable[Binding], source: str) -> frozenset[Binding]:
    """The bindings from an exchange to the route's own objects; a team's tap on ours is not ours to judge."""
    ours = source.split(".")[:3]
    return frozenset(b for b in bindings if b.source == source and b.target.split(".")[:3] == ours)


def without_twins(bindings: Iterable[Binding], wanted: Iterable[Binding]) -> frozenset[Binding]:
    """The bindings but for twins of a wanted one, which differ from it in nothing but arguments; for fanout and direct.

    Those exchanges look at no argument, so that a twin gives no order a copy. It has to stay: with Khepri a RabbitMQ
    before 4.2 routes by neither of the two once one is removed, and lists the other one all the same.
    """
    bindings = tuple(bindings)
    keys = {binding.key for binding in bindings}
    ours = {_without_arguments(binding) for binding in wanted if binding.key in keys}
    return frozenset(binding for binding in bindings if _without_arguments(binding) not in ours)


def _without_arguments(binding: Binding) -> tuple[str, str, str, str]:
    return binding.source, binding.target, binding.to, binding.key
