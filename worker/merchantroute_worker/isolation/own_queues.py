"""Own queues of single merchants, parsed from the configuration (schema/config-own.json), and the part of each that one
pod may work. Pure.

An entry that cannot be understood is left out, with a reason: its orders stay in their queue until the operator and the
pods agree, and nothing else of the configuration depends on it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

from merchantroute_worker.isolation.pod_parts import GroupPart, part_for


class PodPart(NamedTuple):
    """What one pod may do for a merchant with an own queue: `part` orders in flight, and `rate` orders a second with
    `burst` at once (None for no limit). `bound` says that the router leads the merchant's orders to the queue. No order
    begins before `paused_until` (seconds since the epoch, 0 for no pause). `group` is what this pod may do for all
    merchants of its group together, None where that has no limits.
    """

    queue: str
    part: int
    bound: bool
    rate: float | None = None
    burst: float = 1.0
    paused_until: float = 0.0
    group: GroupPart | None = None


@dataclass(frozen=True, kw_only=True)
class GroupLimit:
    """What the merchants of one group may have together, in the pods of one tier: as of an own queue."""

    name: str
    pods: frozenset[str]
    parts: Mapping[str, int]
    rate: float | None = None
    burst: int = 1

    def part_of(self, pod: str, *, operator_away: bool = False) -> GroupPart:
        """The part of one pod of the tier."""
        return GroupPart(
            self.name, *part_for(pod, self.pods, self.parts, self.rate, self.burst, operator_away=operator_away)
        )


@dataclass(frozen=True, kw_only=True)
class OwnQueue:
    """One merchant's own queue. `pods` are those of the tier that are named, `parts` has the orders in flight of each
    that may have some; `rate` is that of all pods together, in orders a second. The merchant asked for time until
    `paused_until` (seconds since the epoch, 0 where it did not).
    """

    merchant: str
    queue: str
    tier: str
    bound: bool
    pods: frozenset[str]
    parts: Mapping[str, int]
    rate: float | None = None
    burst: int = 1
    paused_until: float = 0.0
    group: GroupLimit | None = None

    def part_of(self, tier: str, pod: str, *, operator_away: bool = False) -> PodPart:
        """The part of one pod (see `part_for`), nothing in flight in one of another tier. A merchant that is held has
        no part in any pod, and none has more than its group.
        """
        if tier != self.tier:
            return PodPart(self.queue, 0, self.bound, paused_until=self.paused_until)
        part, rate, burst = part_for(pod, self.pods, self.parts, self.rate, self.burst, operator_away=operator_away)
        group = None if self.group is None else self.group.part_of(pod, operator_away=operator_away)
        if group is not None:
            part = min(part, group.part)
        if not part:
            return PodPart(self.queue, 0, self.bound, paused_until=self.paused_until, group=group)
        return PodPart(self.queue, part, self.bound, rate, burst, self.paused_until, group)


def parse_own(document: Mapping[str, Any] | None, front_door: str) -> tuple[dict[str, OwnQueue], tuple[str, ...]]:
    """The own queues by merchant, and why entries were left out, in words. `front_door` is what their names begin with:
    a worker consumes no queue that is not its route's.
    """
    if document is None:
        return {}, ()
    found: dict[str, OwnQueue] = {}
    problems: list[str] = []
    names: set[str] = set()
    for tier, pods, groups, entry in _entries(document, problems):
        try:
            own = _own_queue(tier, pods, groups, entry, f"{front_door}.own.")
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            problems.append(f"an own queue of tier {tier} is left out: {error!r}")
            continue
        if own.merchant in found or own.queue in names:
            problems.append(f"an own queue of tier {tier} is left out: its merchant or its queue is listed twice")
            continue
        found[own.merchant] = own
        names.add(own.queue)
    return found, tuple(problems)


def _entries(
    document: Mapping[str, Any], problems: list[str]
) -> Iterator[tuple[str, list[str], Mapping[str, GroupLimit], Any]]:
    tiers = document.get("tiers")
    if document.get("v") != 1 or not isinstance(tiers, dict):
        problems.append("the own queues are left out: this pod reads version 1 of their file")
        return
    for tier, listed in tiers.items():
        pods = listed.get("pods") if isinstance(listed, dict) else None
        queues = listed.get("queues") if isinstance(listed, dict) else None
        if not isinstance(pods, list) or not isinstance(queues, list) or not all(isinstance(pod, str) for pod in pods):
            problems.append(f"the own queues of tier {tier} are left out: they have another shape")
            continue
        groups = _groups(tier, pods, listed.get("groups", []), problems)
        for entry in queues:
            yield tier, pods, groups, entry


def _groups(tier: str, pods: list[str], listed: Any, problems: list[str]) -> dict[str, GroupLimit]:
    found: dict[str, GroupLimit] = {}
    for entry in listed if isinstance(listed, list) else [listed]:
        try:
            group = _group(pods, entry)
            found.setdefault(group.name, group)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            problems.append(f"a group of tier {tier} is left out, and its merchants' queues: {error!r}")
    return found


def _group(pods: list[str], entry: Mapping[str, Any]) -> GroupLimit:
    if not isinstance(entry["name"], str):
        raise TypeError("its name is no text")
    parts, rate, burst = _division(pods, entry)
    return GroupLimit(name=entry["name"], pods=frozenset(pods), parts=parts, rate=rate, burst=burst)


def _division(pods: list[str], entry: Mapping[str, Any]) -> tuple[dict[str, int], float | None, int]:
    parts, rate = [_count(part) for part in entry["parts"]], entry.get("rate")
    if len(parts) != len(pods):
        raise ValueError("it has another number of parts than there are pods")
    if rate is not None and not (isinstance(rate, int | float) and not isinstance(rate, bool) and 0 < rate < inf):
        raise ValueError("its rate is no number above 0")
    return (
        {pod: part for pod, part in zip(pods, parts, strict=True) if part},
        rate,
        max(1, _count(entry.get("burst", 1))),
    )


def _own_queue(
    tier: str, pods: list[str], groups: Mapping[str, GroupLimit], entry: Mapping[str, Any], prefix: str
) -> OwnQueue:
    queue, merchant, group = entry["queue"], entry["merchant"], entry.get("group")
    parts, rate, burst = _division(pods, entry)
    if not isinstance(merchant, str) or not merchant:
        raise ValueError("its merchant is no text")
    if not isinstance(queue, str) or not queue.startswith(prefix) or queue == prefix:
        raise ValueError(f"its name is not one that begins with {prefix}")
    if not isinstance(entry["bound"], bool):
        raise TypeError("`bound` is neither true nor false")
    if group is not None and group not in groups:
        raise ValueError("its group has limits that are not listed")
    return OwnQueue(
        merchant=merchant,
        queue=queue,
        tier=tier,
        bound=entry["bound"],
        pods=frozenset(pods),
        parts=parts,
        rate=rate,
        burst=burst,
        paused_until=_count(entry.get("pausedUntil", 0)) / 1000,
        group=None if group is None else groups[group],
    )


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("a number of orders is no whole number from 0")
    return value
