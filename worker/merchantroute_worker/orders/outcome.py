"""The outcomes of an order or of an app's task: done, to the ladder, or to dead letters. Pure, one set for both.

`order` is an `Order` or a `TaskMessage`, with its updated journal or counts.
"""

from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, TypeVar

from merchantroute_worker.orders.messages import DeathReason

T = TypeVar("T")

LadderOutcome = Literal["retried", "refused", "deferred"]
"""Retried: an attempt failed. Refused: the bulkhead gave no slot. Deferred: something else has to happen first."""


class Done(NamedTuple, Generic[T]):
    """Every step is finished."""

    order: T


@dataclass(frozen=True, kw_only=True)
class ToLadder(Generic[T]):
    """Wait on a rung (milliseconds), then return to the queue; or go `at_once` through the router, which leads to the
    merchant's own queue.
    """

    order: T
    rung: int
    reason: str
    outcome: LadderOutcome
    at_once: bool = False


@dataclass(frozen=True, kw_only=True)
class ToDead(Generic[T]):
    """Go to dead letters."""

    order: T
    why: DeathReason


Outcome = Done[T] | ToLadder[T] | ToDead[T]
