"""Decides when pods with a blocked hub are reported by an event. No I/O.

A pod that blocks again and again is reported once in ten minutes, with how often it happened; a whole fleet of them
is bounded by the limit that every event has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from merchantroute_operator.scaling.model import Pulse

HUB_BLOCKED = "HubBlocked"
AGAIN_AFTER = 600.0  # seconds
NEWS = 60.0  # seconds; what ended before that was reported by the operator that ran then


@dataclass(slots=True)
class _Reported:
    started: int
    count: int
    at: float


@dataclass(slots=True)
class HubReports:
    """What was reported of a route's pods; times are monotonic seconds."""

    reported: dict[str, _Reported] = field(default_factory=dict)

    def news(self, pulses: Iterable[Pulse], now: float) -> list[str]:
        """What to say now, a sentence for each pod. ``pulses`` is the newest of each of the route's pods."""
        newest = {pulse.pod: pulse for pulse in pulses}
        self.reported = {pod: report for pod, report in self.reported.items() if pod in newest}
        return [words for pulse in newest.values() if (words := self._news_of(pulse, now))]

    def _news_of(self, pulse: Pulse, now: float) -> str:
        seen = pulse.blocked
        before = self.reported.get(pulse.pod)
        if seen is None or seen.ago + (now - pulse.at) > NEWS:
            return ""
        same = before is not None and before.started == pulse.started
        if before is not None and (now - before.at < AGAIN_AFTER or (same and before.count >= seen.count)):
            return ""
        self.reported[pulse.pod] = _Reported(pulse.started, seen.count, now)
        often = "once" if seen.count == 1 else f"{seen.count} times, at worst for {seen.longest:.1f} s,"
        return (
            f"{pulse.pod}: code held up its hub, and with it all its orders, for {seen.latest:.1f} s; {often} since it"
            " started. Its log has the stack (event hub.blocked); docs/pools.md says which pool such code is for"
        )
