"""What the lane ``stable`` is sized for while a canary is on: all of the tier's orders, so that they can come back."""

from __future__ import annotations

from dataclasses import replace

from merchantroute_operator.scaling.model import Observation


def whole_tier(stable: Observation, canary: Observation | None) -> Observation:
    """``stable`` with the canary's orders added; what is unknown of the canary's is unknown of the sum."""
    if canary is None:
        return stable
    return replace(
        stable,
        queued=_sum(stable.queued, canary.queued),
        in_flight=_sum(stable.in_flight, canary.in_flight),
        arrival_rate=(
            None
            if stable.arrival_rate is None or canary.arrival_rate is None
            else stable.arrival_rate + canary.arrival_rate
        ),
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
