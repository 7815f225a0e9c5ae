"""The result of one attempt at an order's calls. Pure: `calls/attempt.py` creates it, decisions read it."""

from typing import NamedTuple

from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.route import Step


class Attempt(NamedTuple):
    """An attempt's result: all finished steps, and, unless every step is finished, the step it stopped at with its
    answer. `unsure` are steps that the merchant may have executed without our knowing.
    """

    done: tuple[str, ...]
    unsure: tuple[str, ...] = ()
    step: Step | None = None
    answer: Answer | None = None
