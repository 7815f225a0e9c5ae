"""The pods of a tier that work own queues, and what each of them runs by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from merchantroute_operator import naming
from merchantroute_operator.reconcile.state.gate import PATIENCE
from merchantroute_operator.reconcile.state.own.own_memory import Named
from merchantroute_operator.scaling.model import Pulse


@dataclass(slots=True)
class TierPods:
    """A tier's stable pods that know own queues, with the generation that each runs by; None: it has not said it.

    ``ending`` ones finish what they hold and begin nothing. ``ready`` are all that take orders, also those that know
    nothing of own queues, with the seconds for which they have.
    """

    live: dict[str, int | None] = field(default_factory=dict)
    ending: dict[str, int | None] = field(default_factory=dict)
    ready: dict[str, float] = field(default_factory=dict)


def had_time(pod: str, named: Named, pods: TierPods, now: float) -> bool:
    """Whether a pod has been ready for a minute since the configuration names the queue."""
    return min(pods.ready.get(pod, 0.0), now - named.at) > PATIENCE


def slots_of_tiers(pulses: Iterable[Pulse]) -> Mapping[str, int]:
    """The slots of each tier's stable pods that are heard."""
    found: Counter[str] = Counter()
    for pulse in pulses:
        if pulse.lane == naming.STABLE:
            found[pulse.tier] += pulse.slots or 0
    return found
