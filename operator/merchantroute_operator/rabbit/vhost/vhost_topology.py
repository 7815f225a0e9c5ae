"""All exchanges, queues and bindings of a vhost in one reading, from which each route takes its own.

A route's names begin with ``mr.<namespace>.<route>``, so that its objects are found by these three words, whatever the
number of other routes in the vhost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from merchantroute_operator.topology.objects import Binding, Exchange, Queue, Topology

_WORDS = 3  # of a name, that say which route it belongs to


@dataclass(frozen=True, slots=True)
class VhostTopology:
    """What one reading found; ``began`` is when it did, in monotonic seconds."""

    began: float
    exchanges: Mapping[str, Mapping[str, Exchange]]  # by the first words of the name, then by name
    queues: Mapping[str, Mapping[str, Queue]]
    bindings: Mapping[str, list[Binding]] = field(default_factory=dict)  # by the first words of either end
    rows: int = 0  # exchanges, queues and bindings in all

    def of(self, prefix: str) -> Topology:
        """The objects named ``prefix`` or ``prefix.…``, and every binding from or to them."""
        group = group_of(prefix)
        exchanges = {name: each for name, each in self.exchanges.get(group, {}).items() if _is_inside(name, prefix)}
        queues = {name: each for name, each in self.queues.get(group, {}).items() if _is_inside(name, prefix)}
        return Topology(
            exchanges,
            queues,
            frozenset(
                binding
                for binding in self.bindings.get(group, ())
                if binding.source in exchanges or binding.target in (exchanges if binding.to == "exchange" else queues)
            ),
        )


def vhost_topology(
    began: float, exchanges: Collection[Exchange], queues: Collection[Queue], bindings: Collection[Binding]
) -> VhostTopology:
    """The reading, in order."""
    grouped_exchanges: defaultdict[str, dict[str, Exchange]] = defaultdict(dict)
    for exchange in exchanges:
        grouped_exchanges[group_of(exchange.name)][exchange.name] = exchange
    grouped_queues: defaultdict[str, dict[str, Queue]] = defaultdict(dict)
    for queue in queues:
        grouped_queues[group_of(queue.name)][queue.name] = queue
    ends: defaultdict[str, list[Binding]] = defaultdict(list)
    for binding in bindings:
        for group in {group_of(binding.source), group_of(binding.target)}:
            ends[group].append(binding)
    rows = len(exchanges) + len(queues) + len(bindings)
    return VhostTopology(began, dict(grouped_exchanges), dict(grouped_queues), dict(ends), rows)


def group_of(name: str) -> str:
    """The first words of a name, which all objects of one route have in common."""
    return ".".join(name.split(".", _WORDS)[:_WORDS])


def _is_inside(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")
