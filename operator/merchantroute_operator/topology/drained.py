"""Finds queues that are drained: empty for good, as far as the broker's statistics can tell.

Statistics are old: a quorum queue reports every ``quorum_tick_interval``, and what it reported is collected every
``collect_statistics_interval``; either may be a minute. No clock of ours tells how old a figure is, so the age is not
asked for: a figure counts only once the queue has provably reported anew since nothing feeds it. A queue that shows 0
ready and 0 unacked can still hold orders that its target refused (56 of them, in a rung); ``messages`` counts those.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from merchantroute_operator.topology.objects import QueueTick

QUIET = 15.0  # seconds; until then a node of the broker may route by old bindings, and orders may be under way
FRESH = 3
"""Reports that must follow the first one that was read. When it was read, two older ones could still come: one written
and not collected, one being written. And a later reading must find the last of them again, since a report's work may be
shown a moment before its messages.
"""


@dataclass(frozen=True, slots=True)
class _Quiet:
    since: float  # seconds, the clock of ``now``
    reductions: int  # of the newest report
    fresh: int = 0  # reports that followed the first


@dataclass(frozen=True, slots=True)
class EmptyWatch:
    """For each queue that nothing feeds, how long and through how many reports it has shown no messages."""

    quiet: Mapping[str, _Quiet] = field(default_factory=dict)

    def observe(
        self, now: float, ticks: Mapping[str, QueueTick], unfed: Collection[str]
    ) -> tuple[EmptyWatch, frozenset[str]]:
        """The watch after this reading, and the queues that are drained.

        ``unfed`` are the queues that no order can newly enter (``reachability.unfed``; all of the route's, once the
        front door is closed). A queue that is fed again, is not in the reading, or whose figures are unknown starts
        anew; so does one whose leader is another process now, which has done less work.
        """
        quiet = {
            name: seen
            for name in unfed
            if (tick := ticks.get(name)) is not None and (seen := _after(self.quiet.get(name), tick, now)) is not None
        }
        drained = (
            name
            for name, seen in quiet.items()
            if min(seen.fresh, self.quiet.get(name, seen).fresh) >= FRESH and now - seen.since >= QUIET
        )
        return EmptyWatch(quiet), frozenset(drained)

    def anew(self, queues: Collection[str]) -> EmptyWatch:
        """The watch with these queues begun again, since they turned out to hold an order."""
        return EmptyWatch({name: seen for name, seen in self.quiet.items() if name not in queues})


def _after(before: _Quiet | None, tick: QueueTick, now: float) -> _Quiet | None:
    if tick.messages != 0 or tick.reductions is None:
        return None
    if before is None or tick.reductions < before.reductions:
        return _Quiet(now, tick.reductions)
    return _Quiet(before.since, tick.reductions, before.fresh + (tick.reductions > before.reductions))
