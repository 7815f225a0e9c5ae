"""What the merchants' log of calls says: when orders were done, and how many calls a merchant had at a time. Pure."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

LAST_STEP = "confirm"


class Call(NamedTuple):
    """One call; times are epoch seconds. Status 0: the caller hung up; -1: it was under way when the log was read."""

    order: str
    step: str
    merchant: str
    began: float
    ended: float
    status: int


def ends(calls: Iterable[Call]) -> dict[str, float]:
    """When each order's last step was answered for the first time."""
    found: dict[str, float] = {}
    for call in calls:
        if call.step == LAST_STEP and call.status == 200:
            found[call.order] = min(call.ended, found.get(call.order, call.ended))
    return found


def most_at_once(calls: Iterable[Call], merchants: Collection[str], since: float, until: float) -> int:
    """The most calls that any one of the merchants had at a time between `since` and `until`."""
    changes: dict[str, list[tuple[float, int]]] = {}
    for call in calls:
        if call.merchant in merchants and call.ended > since and call.began < until:
            changes.setdefault(call.merchant, []).extend([(max(call.began, since), 1), (min(call.ended, until), -1)])
    return max((_peak(of_one) for of_one in changes.values()), default=0)


def _peak(changes: list[tuple[float, int]]) -> int:
    now = highest = 0
    for _, change in sorted(changes):  # at the same moment ends come first
        now += change
        highest = max(highest, now)
    return highest


def first_call(calls: Iterable[Call], merchant: str, since: float) -> float | None:
    """When the first call to a merchant began that was under way at `since` or later."""
    begun = [max(call.began, since) for call in calls if call.merchant == merchant and call.ended > since]
    return min(begun, default=None)
