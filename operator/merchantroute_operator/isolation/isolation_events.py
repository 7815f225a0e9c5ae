"""What is told of own queues, in words: one event for each change, with what was seen."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

from merchantroute_operator.isolation.model import OwnQueue

ISOLATED = "OwnQueueOpened"
RELEASED = "OwnQueueClosed"
CHANGED = "OwnQueueChanged"
FROZEN = "IsolationFrozen"
THAWED = "IsolationResumed"
NO_ROOM = "TooManyOwnQueues"
GROUP_FAILS = "MerchantGroupFails"
GROUP_IS_WELL = "MerchantGroupWell"
GROUP_HELD = "MerchantGroupHeld"
GROUP_RELEASED = "MerchantGroupReleased"


@dataclass(frozen=True, slots=True)
class IsolationEvent:
    """An event about one merchant, or about the route where ``merchant`` is None."""

    reason: str
    text: str
    merchant: str | None = None
    warning: bool = False


def of_change(before: OwnQueue | None, after: OwnQueue | None, words: str) -> list[IsolationEvent]:
    """The events of one merchant at one tick; ``words`` say why it needs a queue, or why not any more."""
    opened = before is None or before.stage == "Closing"
    if after is None or (opened and after.stage == "Closing"):
        return []
    if after.stage == "Closing":
        text = f"{after.merchant}: {words}; its orders go to tier {after.tier}'s lane again"
        return [IsolationEvent(RELEASED, text, after.merchant)]
    if before is None or before.stage == "Closing":
        text = f"{after.merchant}: {words}; its orders get a queue of their own, {_at_a_time(after)}"
        return [IsolationEvent(ISOLATED, text, after.merchant, warning=after.why in {"Slow", "RateLimited", "Refused"})]
    if after.why != before.why and after.why in {"Slow", "Held"}:
        text = f"{after.merchant}: {words}; its own queue has {_at_a_time(after)}"
        return [IsolationEvent(CHANGED, text, after.merchant, warning=after.why == "Slow")]
    return []


def calm_words(queue: OwnQueue, wall: float) -> str:
    """What is said of a queue that is closed after calm."""
    return f"well for {queue.hold:.0f} s, after {max(0.0, wall - queue.since):.0f} s with a queue of its own"


def of_freezing(frozen: Mapping[str, str], before: Set[str]) -> list[IsolationEvent]:
    """Events of tiers in which nothing is decided from now on, or is again."""
    began = [IsolationEvent(FROZEN, words, warning=True) for tier, words in frozen.items() if tier not in before]
    ended = [
        IsolationEvent(THAWED, f"Tier {tier}: most merchants answer again, so that isolation goes on")
        for tier in sorted(before - frozen.keys())
    ]
    return began + ended


def no_room(count: int, most: int) -> IsolationEvent:
    """Told once, when merchants begin to have no room."""
    text = f"{count} merchants need a queue of their own beside the {most} that maxOwnQueues allows: the worst have one"
    return IsolationEvent(NO_ROOM, text, warning=True)


def group_fails(group: str, count: int) -> IsolationEvent:
    """Told when the merchants of a group are given one share."""
    text = f"{group}: several merchants are slow and no call succeeds there; {count} have one at a time together"
    return IsolationEvent(GROUP_FAILS, text, warning=True)


def group_is_well(group: str, count: int, *, proven: bool) -> IsolationEvent:
    """Told when each merchant of a group has a share of its own again."""
    why = "calls succeed" if proven else "nobody has had orders for a while"
    return IsolationEvent(GROUP_IS_WELL, f"{group}: {why}; each of {count} merchants has its own share again")


def of_holding(held: Set[str], before: Set[str]) -> list[IsolationEvent]:
    """Events of groups that are held by hand from now on."""
    return [
        IsolationEvent(GROUP_HELD, f"{group}: held by hand; no order of its merchants begins until that ends")
        for group in sorted(held - before)
    ]


def group_released(group: str, count: int) -> IsolationEvent:
    """Told when the merchants of a group that was held are given one share."""
    text = f"{group}: not held by hand any more; {count} have one at a time together, and more with each success"
    return IsolationEvent(GROUP_RELEASED, text)


def of_dry_run(event: IsolationEvent) -> IsolationEvent:
    """The event of what would be done."""
    return replace(event, text=f"Dry run, nothing is changed: {event.text}")


def _at_a_time(queue: OwnQueue) -> str:
    rate = "" if queue.rate is None else f", {queue.rate:g} a second"
    return f"{queue.share} at a time{rate}"
