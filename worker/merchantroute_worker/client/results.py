"""Results of a publish: a receipt, or an error. BadOrder: never as it is. NotSafe: publish again with the same id."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The broker confirmed that the order is in a queue. `published_at` is milliseconds since the epoch.

    `attempts` above 1 means that it may be in the queue more than once; its steps still take effect once.
    """

    order_id: str
    merchant: str
    published_at: int
    attempts: int


class BadOrder(ValueError):
    """The order cannot be published as it is, and nothing was sent; the text says what to change."""


class NotSafe(Exception):
    """The order is not known to be safe. Keep it, and publish it again with the same id.

    `may_have_arrived` False is certain; True means unknown, since a confirm can be lost on its way. `problem` is the
    last one.
    """

    def __init__(self, order_id: str, merchant: str, problem: str, may_have_arrived: bool, attempts: int) -> None:
        super().__init__(order_id, merchant, problem, may_have_arrived, attempts)
        self.order_id = order_id
        self.merchant = merchant
        self.problem = problem
        self.may_have_arrived = may_have_arrived
        self.attempts = attempts

    def __str__(self) -> str:
        known = "it may have arrived" if self.may_have_arrived else "it has not arrived"
        return (
            f"order {self.order_id!r} of {self.merchant!r} is not known to be safe: {self.problem} "
            f"(attempts: {self.attempts}); {known}. Keep it and publish it again with order_id={self.order_id!r}: "
            "a repeat with the same id does no harm"
        )


Outcome = Receipt | NotSafe | BadOrder


class NotAllSafe(Exception):
    """Some orders of a batch are not safe. `outcomes` has one entry per order given, in their order."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        super().__init__(outcomes)
        self.outcomes = list(outcomes)

    @property
    def problems(self) -> dict[int, NotSafe | BadOrder]:
        """The errors by index in the batch."""
        return {index: one for index, one in enumerate(self.outcomes) if not isinstance(one, Receipt)}

    def __str__(self) -> str:
        index, first = next(iter(self.problems.items()))
        return (
            f"{len(self.problems)} of {len(self.outcomes)} orders are not safe; `outcomes` says which. "
            f"The first is number {index}: {first}"
        )
