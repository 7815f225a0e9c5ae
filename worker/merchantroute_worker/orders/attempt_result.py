"""The result of one attempt at an order's calls, and what its pod knows about the merchant then. Pure: calls and
bulkhead create them, decisions read them.
"""

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


class MerchantHealth(NamedTuple):
    """The merchant's run of answers, by which one of them is judged. `wait` is the time in seconds that the merchant's
    orders wait at least: it asked for that, or refuses the credentials. `credentials_refused` is False after a 403 that
    concerns the order: the merchant takes others. `names_fail` means that our own name server is the cause.
    """

    slow: bool = False
    wait: float = 0.0
    credentials_refused: bool = False
    names_fail: bool = False
