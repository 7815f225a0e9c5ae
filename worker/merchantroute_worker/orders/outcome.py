"""What becomes of an order or of an app's task: done, to the ladder, or to dead letters. Pure, one set for both.

`order` is an `Order` or a `TaskMessage`, with its journal or its counts as they are from now on.
"""

from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, TypeVar

from merchantroute_worker.orders.messages import DeathReason

T = TypeVar("T")

LadderOutcome = Literal["retried", "refused", "deferred"]
"""Retried: an attempt failed. Refused: the bulkhead gave no slot. Deferred: something else has to come first."""


class Done(NamedTuple, Generic[T]):
    """Every step is done."""

    order: T


@dataclass(frozen=True, kw_only=True)
class ToLadder(Generic[T]):
    """Wait on a rung (milliseconds), and come back. `paced` says that the return is spaced out, because the merchant is
    slow and its orders would all come back at once.
    """

    order: T
    rung: int
    reason: str
    outcome: LadderOutcome
    paced: bool = False


@dataclass(frozen=True, kw_only=True)
class ToDead(Generic[T]):
    """Go to dead letters."""

    order: T
    why: DeathReason


Outcome = Done[T] | ToLadder[T] | ToDead[T]
