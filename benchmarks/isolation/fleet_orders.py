"""The orders of the isolation simulation, and what became of them."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class FleetOrder:
    """One order; `latencies` are those of its calls that are left, the next last."""

    number: int
    merchant: int
    arrived: float
    latencies: list[float]
    refusals: int = 0
    attempts: int = 0


@dataclass
class Happened:
    """What became of the orders."""

    done: list[tuple[int, float, float]] = field(default_factory=list)
    refusals: Counter[int] = field(default_factory=Counter)
    moves: Counter[int] = field(default_factory=Counter)
    """Of each merchant's orders to rungs and own queues."""
    limited: list[float] = field(default_factory=list)
    """When orders were answered 429."""
    begun: list[tuple[float, int]] = field(default_factory=list)
    """When orders of odd merchants began, and how many of that merchant were in flight then."""
    orders: Counter[int] = field(default_factory=Counter)
    opened: list[tuple[float, int]] = field(default_factory=list)
    bound: dict[int, float] = field(default_factory=dict)
