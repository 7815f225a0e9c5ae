"""What own queues add to the figures of their tier's lane: what their shares let through, and no more.

A merchant that is slow may have a thousand orders waiting; the pods it needs are those that its share can use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil

from merchantroute_operator.isolation.groups.failing import Key
from merchantroute_operator.isolation.groups.limited_groups import GroupShare
from merchantroute_operator.scaling.figures import History, observe_arrivals, remember
from merchantroute_operator.scaling.model import Observation, QueueReading
from merchantroute_operator.topology.objects import QueueSample


@dataclass(frozen=True, slots=True)
class OwnLoad:
    """One own queue at a tick: its figures, None where they are unknown, its share, and its rate per second."""

    queue: str
    sample: QueueSample | None
    share: int
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class OwnHistory:
    """The readings of a tier's own queues, by queue."""

    queues: Mapping[str, History] = field(default_factory=dict)


def remember_own(before: OwnHistory, loads: tuple[OwnLoad, ...], now: float) -> OwnHistory:
    """Take in the newest readings; queues that are gone are forgotten."""
    return OwnHistory(
        {
            load.queue: remember(
                before.queues.get(load.queue, History()),
                reading=QueueReading(now, load.sample) if load.sample is not None else None,
                pulses=(),
                now=now,
            )
            for load in loads
        }
    )


def within_groups(
    loads: Iterable[tuple[OwnLoad, Key | None]], shares: Mapping[Key, GroupShare], order_time: float
) -> tuple[OwnLoad, ...]:
    """The loads, of which those of a group with limits have no larger shares together than the group; None for those
    of none. What pods have fetched beyond that waits there for its turn, and needs no slot.
    """
    waits = {
        key: share.share if share.rate is None else min(share.share, max(1, ceil(share.rate * order_time)))
        for key, share in shares.items()
    }
    works, found = dict(waits), []
    for load, key in loads:
        if key is None or key not in waits or load.sample is None:
            found.append(load)
            continue
        unacked, share = min(load.sample.unacked or 0, works[key]), min(load.share, waits[key])
        works[key] -= unacked
        waits[key] -= min(load.sample.ready or 0, share)
        found.append(replace(load, share=share, sample=replace(load.sample, unacked=unacked)))
    return tuple(found)


def with_own(
    seen: Observation, loads: tuple[OwnLoad, ...], history: OwnHistory, order_time: float, now: float
) -> Observation:
    """The lane's observation with its tier's own queues: of each at most its share waits, or what its rate keeps in
    flight, and at most what these can work arrives. ``order_time`` is seconds a slot is busy for each order. What is
    unknown of one adds nothing.
    """
    queued, in_flight, arriving = seen.queued, seen.in_flight, seen.arrival_rate
    for load in loads:
        if load.sample is None or not load.share:
            continue
        most_queued, unacked = load.share, load.sample.unacked or 0
        if load.rate is not None:
            # What pods have beyond this waits there for its turn by the rate, and needs no slot.
            most_queued = min(load.share, max(1, ceil(load.rate * order_time)))
            unacked = min(unacked, most_queued)
        queued = None if queued is None else queued + min(load.sample.ready or 0, most_queued)
        in_flight = None if in_flight is None else in_flight + unacked
        if arriving is not None and load.queue in history.queues:
            most = min(load.share / order_time, load.rate if load.rate is not None else float("inf"))
            arriving += min(observe_arrivals(history.queues[load.queue], now) or 0.0, most)
    return replace(seen, queued=queued, in_flight=in_flight, arrival_rate=arriving)
