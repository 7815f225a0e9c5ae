"""Values of the broker's topology: exchanges, queues, bindings, operations, plans.

An ``Op`` is one idempotent call on the broker. A plan is a sequence of batches: the operations of one batch are
independent and may run at once, batches run in order, and a crash between any two of them leaves every order with
exactly one way to go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

Arguments: TypeAlias = Mapping[str, str | int]
OWNER = "x-merchantroute-owner"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A durable exchange; ``arguments`` holds the owner marker and, mostly, ``alternate-exchange``."""

    name: str
    kind: str  # fanout | direct | headers | x-consistent-hash
    arguments: Arguments = field(hash=False)


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable quorum queue with the arguments that keep orders safe."""

    name: str
    arguments: Arguments = field(hash=False)


class Binding(NamedTuple):
    """``source`` exchange to ``target``; ``rung`` is the ladder's headers value (``mr-rung``), else empty.

    A route has one for each merchant, and passes compare sets of them: tuples do that without Python code.
    """

    source: str
    target: str
    to: Literal["queue", "exchange"]
    key: str = ""
    rung: str = ""


@dataclass(frozen=True, slots=True)
class Topology:
    """All objects that a route should have (or that a broker has, for an observation)."""

    exchanges: Mapping[str, Exchange]
    queues: Mapping[str, Queue]
    bindings: frozenset[Binding]


@dataclass(frozen=True, slots=True)
class QueueSample:
    """One reading of a queue by the management API; ``None`` where the broker has no figure yet (never 0).

    ``messages`` counts all, also orders that a rung holds while its target refuses; ``published`` is the cumulative
    count of the queue's incoming publishes. ``members`` are the nodes that a quorum queue is kept on, ``online`` those
    of them that are up.
    """

    messages: int | None
    ready: int | None
    unacked: int | None
    published: int | None
    consumers: int | None
    policy: str | None = None
    members: int | None = None
    online: int | None = None


@dataclass(frozen=True, slots=True)
class QueueTick:
    """A quorum queue's own report of itself, which its leader makes every ``quorum_tick_interval``; None is unknown.

    ``reductions`` is the work (Erlang's unit) that the leader's process has done by then, so that every report has more
    of it than the one before. ``messages`` counts all that the queue holds.
    """

    messages: int | None
    reductions: int | None


@dataclass(frozen=True, slots=True)
class LiveCount:
    """What a queue's leader says over AMQP at this moment; no statistics are in it.

    ``consumers`` are those of others, with whoever still holds an order after it cancelled. An order that a rung holds
    because its target refuses it is in neither figure.
    """

    ready: int
    consumers: int


@dataclass(frozen=True, slots=True)
class Uncounted:
    """What a broker does not count; ``words`` name the setting that says so, and are empty where it counts all."""

    words: str = ""
    queues: bool = False  # nothing of its queues at all, and not only what was published to them


COUNTS_ALL = Uncounted()


@dataclass(frozen=True, slots=True)
class Moved:
    """How many orders were moved from a queue, and how many were ready there beside them."""

    orders: int
    left: int


@dataclass(frozen=True, slots=True)
class Declare:
    """Create the exchange or queue if it is not there."""

    object: Exchange | Queue


@dataclass(frozen=True, slots=True)
class Bind:
    """Add one binding."""

    binding: Binding


@dataclass(frozen=True, slots=True)
class Unbind:
    """Remove one binding."""

    binding: Binding


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove an exchange or queue, whatever it holds: only for what is proven empty, or asked for by ``Force``."""

    kind: Literal["queue", "exchange"]
    name: str


Op: TypeAlias = Declare | Bind | Unbind | Delete
Batch: TypeAlias = tuple[Op, ...]
Plan: TypeAlias = tuple[Batch, ...]
