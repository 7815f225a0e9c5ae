"""Windows as a run writes them."""

from typing import Any


def window(
    contender: str, ms: int, *, per_second: float = 100.0, per_cpu: float = 500.0, **more: Any
) -> dict[str, Any]:
    """A window of two seconds with these rates."""
    orders = 2 * per_second
    return {
        "contender": contender,
        "ms": ms,
        "seconds": 2.0,
        "orders": orders,
        "cpu": orders / per_cpu,
        "pss": 40.0,
        "p50": 1.5,
        "p99": 1.6,
        "merchants": 0.1,
        "own_core": 0.5,
        "busiest_other": 0.3,
        "ledger": {"done": 200, "lost": 0},
        "at": "2026-11-27T10:00:00+00:00",
        **more,
    }
