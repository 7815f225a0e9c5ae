"""How long a merchant takes to answer: log-normal, as the latencies of real services are.

Described by two figures that an operator of a service knows, its median and its 99th percentile, in milliseconds.
"""

import math
from dataclasses import dataclass
from random import Random

_Z99 = 2.3263478740408408  # the standard normal's 99th percentile


@dataclass(frozen=True)
class Latency:
    """Median and 99th percentile of one call, in milliseconds. Equal figures mean a constant."""

    p50_ms: float = 80.0
    p99_ms: float = 250.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.p50_ms) and math.isfinite(self.p99_ms) and 0 <= self.p50_ms <= self.p99_ms):
            raise ValueError(f"latency: need 0 <= p50_ms <= p99_ms, got {self.p50_ms} and {self.p99_ms}")

    def draw(self, dice: Random) -> float:
        """One latency in seconds."""
        if self.p50_ms in (0, self.p99_ms):
            return self.p50_ms / 1000
        sigma = math.log(self.p99_ms / self.p50_ms) / _Z99
        return self.p50_ms * math.exp(sigma * dice.gauss(0, 1)) / 1000
