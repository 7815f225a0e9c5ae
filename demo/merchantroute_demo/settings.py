"""The settings of a run, which a user chooses on the command line. Times are seconds, rates orders per second."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Defaults fit a machine of two cores that carries the whole cluster as well."""

    kubeconfig: Path
    samples: Path
    out: Path
    namespace: str = "orders"
    route: str = "pos"
    rate: float = 70.0
    merchant: str | None = None
    warm_up: float = 20.0
    warm_up_most: float = 90.0
    heal: float = 20.0
    healthy: int = 1100
    p50_ms: float = 80.0
    p99_ms: float = 250.0
    ready_within: float = 180.0
    settle_within: float = 300.0
    limit: float = 900.0
