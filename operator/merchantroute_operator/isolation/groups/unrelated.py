"""How many unrelated groups of a pod's merchants are slow.

Merchants of one vendor are at one host: when that hangs, all of them are slow, and that says no more about the way out
of the cluster than one slow merchant does. So a group counts as one, by the part of it that is slow. A merchant without
others is a group of its own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from merchantroute_operator.isolation.evidence import PodNews


@dataclass(frozen=True, slots=True)
class Unrelated:
    """The groups of one pod that were ``active`` lately; ``slow`` is the sum of each one's slow part."""

    slow: float
    active: int


def unrelated(each: PodNews) -> Unrelated:
    """Count the pod's groups. A pod names 200 merchants: where more are slow, as many of them are so by evidence as of
    those that it names.
    """
    pod = each.pod
    groups = {group: figures for group, figures in pod.groups.items() if figures.active > 1}
    evident = Counter(pod.merchants[name].group for name, news in each.merchants.items() if news.slow)
    named = sum(pod.merchants[name].slow for name in each.merchants)
    slow: dict[str, float] = {group: evident[group] for group in groups}
    alone: float = each.slow - sum(slow.values())
    if pod.slow > named > 0:
        by_evidence = each.slow / named
        alone = max(alone, by_evidence * (pod.slow - sum(figures.slow for figures in groups.values())))
        slow = {group: max(slow[group], by_evidence * figures.slow) for group, figures in groups.items()}
    # A pod that says nonsense has no more slow groups than active ones.
    others = max(pod.active - sum(figures.active for figures in groups.values()), int(alone), 0)
    return Unrelated(
        slow=min(alone, others) + sum(min(1.0, slow[group] / figures.active) for group, figures in groups.items()),
        active=len(groups) + others,
    )
