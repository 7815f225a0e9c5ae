"""Proves that a queue is drained: empty for good.

Management figures are up to 5 s old, and a queue that shows 0 ready and 0 unacked can still hold orders that its
target refused (56 of them, in a rung); only ``messages`` counts those, and only in samples newer than the unbinding of
every input.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from merchantroute_operator.topology.objects import QueueSample

QUIET = 15.0  # seconds; three times the age that a figure can have


@dataclass(frozen=True, slots=True)
class EmptyWatch:
    """Since when (seconds, the clock of ``now``) each queue that nothing feeds has shown no messages."""

    since: Mapping[str, float] = field(default_factory=dict)

    def observe(
        self, now: float, samples: Mapping[str, QueueSample], unfed: Collection[str]
    ) -> tuple[EmptyWatch, frozenset[str]]:
        """The watch after this reading, and the queues that are proven empty.

        ``unfed`` are the queues that no order can newly enter (``reachability.unfed``; all of the route's, once the
        front door is closed). A queue that is fed again, is not in the reading, or whose figure is unknown starts anew.
        """
        zero = {name for name in unfed if (sample := samples.get(name)) is not None and sample.messages == 0}
        since = {name: self.since.get(name, now) for name in zero}
        return EmptyWatch(since), frozenset(name for name, start in since.items() if now - start >= QUIET)
