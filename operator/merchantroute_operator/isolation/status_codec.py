"""Reads and writes ``status.ownQueues``, where the decisions of one operator outlive it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, get_args

from merchantroute_operator.isolation.model import OwnQueue, Stage, Why
from merchantroute_operator.spec.route import Raw
from merchantroute_operator.spec.sections.pause import as_time

MOST = 1_000
"""Entries; a route has no more own queues (``spec.isolation.maxOwnQueues``)."""


def from_status(status: Raw) -> dict[str, OwnQueue]:
    """Merchant -> its own queue. What cannot be read is left out: its queue is found in the broker, and closed."""
    found = {}
    for entry in (status.get("ownQueues") or ())[:MOST]:
        try:
            queue = _read(entry)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
        found[queue.merchant] = queue
    return found


def to_status(queues: Iterable[OwnQueue], waiting: Mapping[str, int]) -> list[dict[str, Any]]:
    """For ``status.ownQueues``, by merchant; ``waiting`` are the orders in each, as far as known."""
    return [
        {
            "merchant": each.merchant,
            "tier": each.tier,
            "why": each.why,
            "stage": each.stage,
            "since": as_time(each.since),
            "share": each.share,
            **({"rate": each.rate, "burst": each.burst} if each.rate is not None else {}),
            "hold": each.hold,
            **({"waiting": waiting[each.merchant]} if each.merchant in waiting else {}),
        }
        for each in sorted(queues, key=lambda queue: queue.merchant)[:MOST]
    ]


def _read(entry: Raw) -> OwnQueue:
    why, stage = entry["why"], entry["stage"]
    if why not in get_args(Why) or stage not in get_args(Stage):
        raise ValueError(why, stage)
    rate = entry.get("rate")
    return OwnQueue(
        merchant=str(entry["merchant"]),
        tier=str(entry["tier"]),
        why=why,
        stage=stage,
        since=datetime.fromisoformat(entry["since"]).timestamp(),
        share=max(0, int(entry["share"])),
        rate=None if rate is None else float(rate),
        burst=max(1, int(entry.get("burst", 1))),
        hold=float(entry.get("hold", 30.0)),
    )
