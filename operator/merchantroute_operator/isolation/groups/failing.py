"""Which groups fail as a whole: several of a group's merchants are slow, and none of its calls has succeeded since.

A host that hangs is seen in the first calls to it, of whichever merchants. To wait until each of hundreds of merchants
has had calls that hang costs as many slots, for as long as these take. Merchants that have been slow since before
another one's call succeeded have troubles of their own, also where that one has few calls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from merchantroute_operator.isolation.conviction import Fleet, witnesses_needed

SLOW_AT_LEAST = 3
"""Merchants of a group that are slow where it fails as a whole: fewer have troubles of their own."""
SURELY = 10
"""So many slow ones are enough however many are active; of fewer it takes half."""
SUCCESS_SHOWN = 8.0
"""Seconds within which a success is told: the 5 of a pulse, its interval, and a tick."""
MOST_KEPT = 1_000
Key = tuple[str, str]
"""Tier and group: what a tier's pods see says nothing of another's."""


def last_well(fleets: Mapping[str, Fleet], before: Mapping[Key, float], now: float) -> dict[Key, float]:
    """When a call of each group's was last known to have succeeded, of the latest groups."""
    found = {**before, **dict.fromkeys(_well(fleets), now)}
    return dict(sorted(found.items(), key=lambda item: -item[1])[:MOST_KEPT])


def _well(fleets: Mapping[str, Fleet]) -> Iterator[Key]:
    for tier, fleet in fleets.items():
        for each in fleet.believed:
            yield from ((tier, group) for group, figures in each.pod.groups.items() if figures.well)


def failing_groups(tier: str, fleet: Fleet, well: Mapping[Key, float], now: float) -> Iterator[Key]:
    """The groups that fail by the pods that are believed; ``well`` is from ``last_well`` at this tick."""
    slow: defaultdict[str, set[str]] = defaultdict(set)
    active: defaultdict[str, list[int]] = defaultdict(list)
    saying: defaultdict[str, int] = defaultdict(int)
    for each in fleet.believed:
        here = set()
        for name, news in each.merchants.items():
            group = each.pod.merchants[name].group
            if news.slow and news.since is not None and news.since >= well.get((tier, group), 0.0) - SUCCESS_SHOWN:
                slow[group].add(name)
                here.add(group)
        for group, figures in each.pod.groups.items():
            active[group].append(figures.active)
            saying[group] += group in here
    for group, counts in active.items():
        enough = len(slow[group]) >= SURELY or 2 * len(slow[group]) >= max(counts)
        # A quarter of the pods that have calls there, and no pod of several alone.
        witnesses = max(witnesses_needed(len(counts)), min(2, len(fleet.believed)))
        shown = saying[group] >= witnesses and len(slow[group]) >= SLOW_AT_LEAST
        if shown and enough and well.get((tier, group)) != now:
            yield tier, group
