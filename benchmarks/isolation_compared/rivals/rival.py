"""What every contender has to be able to do for a cell, and where it is run."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.isolation_compared.logged_merchants_process import LoggedMerchants
from benchmarks.isolation_compared.trouble import Trouble

CALL_TIMEOUT, DEADLINE = 10, 30  # seconds of a call and of an order's three calls
ATTEMPTS = 8
DELAYS = (1, 5, 15)  # seconds between attempts, where a contender takes a list


@dataclass(frozen=True)
class CellSite:
    """Where a contender is run: a folder, the merchants, the prefix of the orders' ids, and who has orders."""

    root: Path
    run: str
    merchants: LoggedMerchants
    names: tuple[str, ...]
    trouble: Trouble


class Publisher(Protocol):
    """Hands orders over, and says which of them were confirmed."""

    def publish(self, order: str, merchant: str) -> None:
        """Hand one over; returns before it is confirmed."""

    def settle(self, seconds: float) -> None:
        """Take in confirms for at most so long."""

    @property
    def confirmed(self) -> set[str]:
        """Orders that are safe."""


@dataclass(frozen=True)
class Left:
    """What became of orders that are not done, once nobody works any more."""

    dead: frozenset[str] = frozenset()
    queued: frozenset[str] = frozenset()


def _nothing() -> dict[str, int]:
    return {}


def _never() -> dict[str, float]:
    return {}


@dataclass(frozen=True)
class Running:
    """A contender at work. `programs` are the processes whose CPU and memory are its own.

    `look` is called a few times a second and gives the merchants that have a queue of their own by now. `found_slow`
    says when (epoch seconds) enough of its processes had found which merchant slow.
    """

    publisher: Publisher
    programs: Callable[[], list[int]]
    stop: Callable[[], Left]
    look: Callable[[], set[str]] = field(default=set)
    refused: Callable[[], dict[str, int]] = field(default=_nothing)
    found_slow: Callable[[], dict[str, float]] = field(default=_never)
    publishes: Callable[[], int | None] = field(default=lambda: None)


class Rival(Protocol):
    """A contender."""

    def at_work(self, site: CellSite) -> AbstractContextManager[Running]:
        """Started for one cell: it takes orders when this returns."""
