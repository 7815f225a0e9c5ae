"""The result of one attempt at an order's calls, and what its pod knows about the merchant then. Pure: calls and
bulkhead create them, decisions read them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from merchantroute_worker.orders.answers import Answer
from merchantroute_worker.orders.steps.step import Step
from merchantroute_worker.orders.steps.values import NO_VALUES


class Attempt(NamedTuple):
    """An attempt's result: all finished steps, and, unless every step is finished, the step it stopped at with its
    answer, or with the `problem` for which it has no request. `unsure` are steps that the merchant may have executed
    without our knowing, `captured` are values that the steps kept of their answers.
    """

    done: tuple[str, ...]
    unsure: tuple[str, ...] = ()
    step: Step | None = None
    answer: Answer | None = None
    captured: Mapping[str, Any] = NO_VALUES
    problem: str | None = None


class MerchantHealth(NamedTuple):
    """The merchant's run of answers, by which one of them is judged. `wait` is the time in seconds that the merchant's
    orders wait at least: it asked for that, or refuses the credentials. `credentials_refused` is False after a 403 that
    concerns the order: the merchant takes others. `names_fail` means that our own name server is the cause.
    """

    slow: bool = False
    wait: float = 0.0
    credentials_refused: bool = False
    names_fail: bool = False
