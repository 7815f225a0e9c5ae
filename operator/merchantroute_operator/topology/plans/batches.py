"""Builds plans from batches of operations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from merchantroute_operator.topology.objects import Batch, Bind, Binding, Delete, Op, Plan, Unbind


def in_order(*batches: Iterable[Op]) -> Plan:
    """A plan of those batches that hold anything."""
    return tuple(batch for batch in map(tuple, batches) if batch)


def binds(bindings: Iterable[Binding]) -> Batch:
    """Add all of them, in an order that does not depend on hashing."""
    return tuple(Bind(binding) for binding in sorted(bindings, key=_order))


def unbinds(bindings: Iterable[Binding]) -> Batch:
    """Remove all of them, likewise."""
    return tuple(Unbind(binding) for binding in sorted(bindings, key=_order))


def exchanges_apart(names: Collection[str], bindings: Collection[Binding]) -> Iterator[Batch]:
    """Delete the exchanges ``names``, those that lead to others first, never two that are bound to each other at once.

    RabbitMQ 4.0.5 answers 500 (``function_clause`` in ``rabbit_exchange:serialise_events``) to one of two deletions
    that meet at a binding: the target's clears its inputs and asks for a source that is gone by then.
    """
    left = set(names)
    while left:
        fed = {each.target for each in bindings if each.to == "exchange" and each.source in left - {each.target}}
        # A ring, which only foreign bindings can make, is opened at one of its exchanges.
        now = sorted(left - fed) or [min(left)]
        yield tuple(Delete("exchange", name) for name in now)
        left.difference_update(now)


def _order(binding: Binding) -> tuple[str, ...]:
    return (binding.source, binding.key, binding.rung, binding.target, binding.to)
