"""Monitors each split's share between reconciles; a split whose share is off is rebuilt once, then reported.

Ids that are no ids (an order without one, the same one for many) part wrongly through any split. Building it again and
again would move orders between lanes for nothing, so a second try needs a measurement that was right in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from merchantroute_operator import naming
from merchantroute_operator.canary.share import Measure, Reading, measure, off, share, words
from merchantroute_operator.spec.route import Route
from merchantroute_operator.topology.objects import QueueSample


@dataclass(slots=True)
class SplitWatch:
    """By tier. ``splits`` is what the last pass left: the weight, and the side that orders take."""

    splits: dict[str, tuple[int, str]] = field(default_factory=dict)
    measures: dict[str, Measure] = field(default_factory=dict)
    shunned: dict[str, str] = field(default_factory=dict)  # the side that parts wrongly
    why: dict[str, str] = field(default_factory=dict)  # the figures to that, in words
    tried: set[str] = field(default_factory=set)  # built anew for its share, and not seen right since
    reported: set[str] = field(default_factory=set)  # that it did not help

    def left(self, splits: Mapping[str, tuple[int, str]]) -> None:
        """A pass has ended: what it built anew is judged from here."""
        for tier in self.shunned.keys() & splits.keys():
            if splits[tier][1] != self.shunned[tier]:
                self.tried.add(tier)
        changed = {tier for tier, (weight, _) in self.splits.items() if splits.get(tier, (0, ""))[0] != weight}
        self.tried -= changed
        self.reported -= changed
        self.shunned, self.why, self.splits = {}, {}, dict(splits)
        self.measures = {tier: each for tier, each in self.measures.items() if tier in splits}

    def watch(self, route: Route, samples: Mapping[str, QueueSample], now: float) -> list[str]:
        """Take in the queues' figures. A split to build anew is in ``shunned`` then; what cannot be helped is returned.

        Each of these sentences comes once.
        """
        hopeless = []
        for tier, (weight, side) in self.splits.items():
            reading = _reading(route, tier, samples, now)
            if reading is None:
                continue
            found = self.measures[tier] = measure(self.measures.get(tier), weight, side, reading)
            seen = share(found)
            if seen is None:
                continue
            if not off(weight, seen):
                self.tried.discard(tier)
                self.reported.discard(tier)
            elif tier not in self.tried:
                self.shunned[tier], self.why[tier] = side, words(weight, seen)
            elif tier not in self.reported:
                self.reported.add(tier)
                advice = "building the split anew did not help; does each order have a correlation_id of its own?"
                hopeless.append(f"{tier}: {words(weight, seen)}; {advice}")
        return hopeless


def _reading(route: Route, tier: str, samples: Mapping[str, QueueSample], now: float) -> Reading | None:
    """What entered the queues. One that is known, and that nothing was ever published to, has no counter."""
    place = (route.namespace, route.name)
    found = [samples.get(queue(*place, tier)) for queue in (naming.stable_queue, naming.canary_queue)]
    counts = [each.published or 0 for each in found if each is not None and each.messages is not None]
    return Reading(now, *counts) if len(counts) == len(found) else None
