"""What this process has itself written in a vhost: a reading that began before may not show it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

from merchantroute_operator.rabbit.vhost.vhost_topology import group_of
from merchantroute_operator.topology.objects import Declare, Delete, Plan, Queue


class Names(NamedTuple):
    """Of exchanges and queues."""

    exchanges: frozenset[str]
    queues: frozenset[str]


class OwnWrites:
    """The plans of all users of a vhost, by route. ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._exchanges: defaultdict[str, dict[str, float]] = defaultdict(dict)  # declared name -> when, by first words
        self._queues: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self._last: dict[str, float] = {}

    def note(self, plan: Plan) -> None:
        """A plan begins, or has ended, well or not."""
        now = self._clock()
        for op in (op for batch in plan for op in batch):
            if isinstance(op, Declare):
                name = op.object.name
                declared = self._queues if isinstance(op.object, Queue) else self._exchanges
                declared[group_of(name)][name] = now
            else:
                name = op.name if isinstance(op, Delete) else op.binding.source
            self._last[group_of(name)] = now

    def any_since(self, prefix: str, began: float) -> bool:
        """Whether anything of a route was written that a reading which began then may have missed."""
        return self._last.get(group_of(prefix), float("-inf")) >= began

    def declared_since(self, prefix: str, began: float) -> Names:
        """What of a route a reading which began then may have missed; what is older is forgotten."""
        return Names(_newer(self._exchanges, prefix, began), _newer(self._queues, prefix, began))


def _newer(noted: defaultdict[str, dict[str, float]], prefix: str, began: float) -> frozenset[str]:
    found = {name: at for name, at in noted.pop(group_of(prefix), {}).items() if at >= began}
    if found:
        noted[group_of(prefix)] = found
    return frozenset(found)
