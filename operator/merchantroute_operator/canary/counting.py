"""Counts a lane's attempts from its pods' pulses, whose counters are cumulative per container."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from merchantroute_operator.canary.progress import Tally
from merchantroute_operator.scaling.model import Pulse


@dataclass(frozen=True, slots=True)
class Counting:
    """``total`` since the operator has watched, and each pod's newest pulse."""

    total: Tally = field(default_factory=Tally)
    newest: Mapping[str, Pulse] = field(default_factory=dict)

    @property
    def busy(self) -> int:
        """Slots that hold an order now."""
        return sum(pulse.busy for pulse in self.newest.values())


def count(before: Counting, pulses: Iterable[Pulse]) -> Counting:
    """Take in each pod's newest pulse. What a pod did before it was first seen is not counted.

    A restarted container (another ``started``) counts from zero, so all of its first pulse is new.
    """
    newest = {pulse.pod: pulse for pulse in pulses}
    total = before.total
    for pod, pulse in newest.items():
        known = before.newest.get(pod)
        if known is not None:
            since = _tally(known) if known.started == pulse.started else Tally()
            total = total + (_tally(pulse) - since)
    return Counting(total, newest)


def _tally(pulse: Pulse) -> Tally:
    return Tally(pulse.finished, pulse.retried + pulse.dead, pulse.busy_seconds)
