"""A contender as a value: a program, how it is started, and what its messages look like."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from merchantroute_kit.servers.vhosts import Vhost

MERCHANTS = tuple(f"merchant-{number}" for number in range(20))


@dataclass(frozen=True)
class Site:
    """Where a contender is run. `endpoint` is the merchants' server, `python` the interpreter of its environment."""

    root: Path
    vhost: Vhost
    endpoint: str
    python: Path
    run: str


@dataclass(frozen=True)
class Message:
    """One order for the broker: body and properties, as the contender's own producer would send it."""

    body: bytes
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Program:
    """A command line, and what is added to the environment."""

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One row. `slots` are the orders that it carries at a time; `merchants` the latencies (ms) it is measured at;
    `rate` orders per second that are expected of its core before it was measured: where that is too few, the window is
    repeated.

    `prepare` declares what it consumes and gives (exchange, routing key of each merchant, queue); None without broker.
    """

    name: str
    title: str
    kind: str
    slots: int
    merchants: tuple[int, ...]
    rate: float
    program: Callable[[Site], Program]
    prepare: Callable[[Site, int], "Binding"] | None
    wrap: Callable[[str, str], Message] | None

    def expected(self, latency: float) -> float:
        """Orders per second: what its slots allow, or its core."""
        return min(self.slots / (3 * latency), self.rate)


@dataclass(frozen=True)
class Binding:
    """Where its orders are published, and where it consumes them. Without `by_merchant` the key is the queue's."""

    exchange: str
    queue: str
    by_merchant: bool = False
