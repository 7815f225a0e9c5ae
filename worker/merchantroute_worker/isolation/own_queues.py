"""Own queues of single merchants, parsed from the configuration (schema/config-own.json), and the part of each that one
pod may work. Pure.

An entry that cannot be understood is left out, with a reason: its orders stay in their queue until the operator and the
pods agree, and nothing else of the configuration depends on it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

LONGEST_TOKEN = 600.0
"""Seconds until a pod that is not named has a token, at most: RabbitMQ takes back what is unacked for half an hour."""


class PodPart(NamedTuple):
    """What one pod may do for a merchant with an own queue: `part` orders in flight, and `rate` orders a second with
    `burst` at once (None for no limit). `bound` says that the router leads the merchant's orders to the queue. No order
    begins before `paused_until` (seconds since the epoch, 0 for no pause).
    """

    queue: str
    part: int
    bound: bool
    rate: float | None = None
    burst: float = 1.0
    paused_until: float = 0.0


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

    def part_of(self, tier: str, pod: str, *, operator_away: bool = False) -> PodPart:
        """The part of one pod: nothing in flight unless the pod is named, and its fraction of the rate.

        While the operator is away nobody names a new pod, so that one takes one order in flight: pods that replace all
        of those that are named must not leave the queue to nobody. A merchant that is held has no part in any pod.
        """
        if operator_away and tier == self.tier and pod not in self.pods and self.parts:
            return self._part_of_unnamed()
        part = self.parts.get(pod, 0) if tier == self.tier else 0
        if self.rate is None or not part:
            return PodPart(self.queue, part, self.bound, paused_until=self.paused_until)
        fraction = part / sum(self.parts.values())
        rate, burst = self.rate * fraction, max(1.0, self.burst * fraction)
        return PodPart(self.queue, part, self.bound, rate, burst, self.paused_until)

    def _part_of_unnamed(self) -> PodPart:
        if self.rate is None:
            return PodPart(self.queue, 1, self.bound, paused_until=self.paused_until)
        least = self.rate * min(self.parts.values()) / sum(self.parts.values())
        rate = min(least, max(self.rate / len(self.pods), 1 / LONGEST_TOKEN))
        return PodPart(self.queue, 1, self.bound, rate, max(1.0, self.burst * rate / self.rate), self.paused_until)


def parse_own(document: Mapping[str, Any] | None, front_door: str) -> tuple[dict[str, OwnQueue], tuple[str, ...]]:
    """The own queues by merchant, and why entries were left out, in words. `front_door` is what their names begin with:
    a worker consumes no queue that is not its route's.
    """
    if document is None:
        return {}, ()
    found: dict[str, OwnQueue] = {}
    problems: list[str] = []
    names: set[str] = set()
    for tier, pods, entry in _entries(document, problems):
        try:
            own = _own_queue(tier, pods, entry, f"{front_door}.own.")
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            problems.append(f"an own queue of tier {tier} is left out: {error!r}")
            continue
        if own.merchant in found or own.queue in names:
            problems.append(f"an own queue of tier {tier} is left out: its merchant or its queue is listed twice")
            continue
        found[own.merchant] = own
        names.add(own.queue)
    return found, tuple(problems)


def _entries(document: Mapping[str, Any], problems: list[str]) -> Iterator[tuple[str, list[str], Any]]:
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
        for entry in queues:
            yield tier, pods, entry


def _own_queue(tier: str, pods: list[str], entry: Mapping[str, Any], prefix: str) -> OwnQueue:
    queue, merchant, rate = entry["queue"], entry["merchant"], entry.get("rate")
    parts = [_count(part) for part in entry["parts"]]
    if not isinstance(merchant, str) or not merchant:
        raise ValueError("its merchant is no text")
    if not isinstance(queue, str) or not queue.startswith(prefix) or queue == prefix:
        raise ValueError(f"its name is not one that begins with {prefix}")
    if len(parts) != len(pods):
        raise ValueError("it has another number of parts than there are pods")
    if not isinstance(entry["bound"], bool):
        raise TypeError("`bound` is neither true nor false")
    if rate is not None and not (isinstance(rate, int | float) and not isinstance(rate, bool) and 0 < rate < inf):
        raise ValueError("its rate is no number above 0")
    return OwnQueue(
        merchant=merchant,
        queue=queue,
        tier=tier,
        bound=entry["bound"],
        pods=frozenset(pods),
        parts={pod: part for pod, part in zip(pods, parts, strict=True) if part},
        rate=rate,
        burst=max(1, _count(entry.get("burst", 1))),
        paused_until=_count(entry.get("pausedUntil", 0)) / 1000,
    )


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("a number of orders is no whole number from 0")
    return value
