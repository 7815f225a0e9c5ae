"""How one attempt at an order's calls ended, as a value. Pure: `calls/attempt.py` makes it, decisions read it."""

from typing import NamedTuple

from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.route import Step


class Attempt(NamedTuple):
    """How an attempt ended: the steps done in all, and, unless all are, the step it stopped at with its answer.
    `unsure` are steps that the merchant may have done without our knowing.
    """

    done: tuple[str, ...]
    unsure: tuple[str, ...] = ()
    step: Step | None = None
    answer: Answer | None = None
