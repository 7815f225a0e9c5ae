"""Putting operations into a plan."""

from __future__ import annotations

from collections.abc import Iterable

from merchantroute_operator.topology.types import Batch, Bind, Binding, Op, Plan, Unbind


def in_order(*batches: Iterable[Op]) -> Plan:
    """A plan of those batches that hold anything."""
    return tuple(batch for batch in map(tuple, batches) if batch)


def binds(bindings: Iterable[Binding]) -> Batch:
    """Add all of them, in an order that does not depend on hashing."""
    return tuple(Bind(binding) for binding in sorted(bindings, key=_order))


def unbinds(bindings: Iterable[Binding]) -> Batch:
    """Remove all of them, likewise."""
    return tuple(Unbind(binding) for binding in sorted(bindings, key=_order))


def _order(binding: Binding) -> tuple[str, ...]:
    return (binding.source, binding.key, binding.rung, binding.target, binding.to)
