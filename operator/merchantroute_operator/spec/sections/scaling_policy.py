"""Parses a lane's scaling policy."""

from __future__ import annotations

from merchantroute_operator.spec.duration import seconds
from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.route import Raw, Scaling


def parse_scaling(raw: Raw, where: str) -> Scaling:
    """``scaling`` of a tier or a canary; ``SpecInvalid`` begins with ``where``."""
    scaling = Scaling(
        min_replicas=raw.get("minReplicas", 1),
        max_replicas=raw.get("maxReplicas", 10),
        target_drain_time=seconds(raw.get("targetDrainTime", "30s"), f"{where}.targetDrainTime"),
        scale_down_after=seconds(raw.get("scaleDownAfter", "2m"), f"{where}.scaleDownAfter"),
        assumed_order_time=seconds(raw.get("assumedOrderTime", "2s"), f"{where}.assumedOrderTime"),
        paused=raw.get("paused", False),
    )
    for name, value in (
        ("targetDrainTime", scaling.target_drain_time),
        ("assumedOrderTime", scaling.assumed_order_time),
    ):
        if value <= 0:
            raise SpecInvalid(f"{where}.{name}: must be longer than 0s")
    return scaling
