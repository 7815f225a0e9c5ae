"""Reads and writes ``status.ownQueues``: what was decided of each merchant outlives a restart of the operator."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from math import ceil
from typing import Any, get_args

from merchantroute_operator.isolation.model import OwnQueue, Stage, Why
from merchantroute_operator.spec.route import Raw
from merchantroute_operator.spec.sections.pause import as_time

logger = logging.getLogger(__name__)
MOST = 1000  # entries that the definition lets the status have
MOST_BYTES = 210_000
"""JSON of all entries: a thousand with ids of 36 characters. The API server keeps no object above 1.5 MiB, a route with
2,000 merchants has 1.1 MB, the names of its fields in ``metadata.managedFields`` included.
"""
_FIELDS = 160  # bytes of an entry without the merchant's id
_WHY, _STAGES = frozenset(get_args(Why)), frozenset(get_args(Stage))


def entries(queues: Iterable[OwnQueue], waiting: Mapping[str, int]) -> list[dict[str, Any]]:
    """For ``status.ownQueues``, by merchant; ``waiting`` has the orders in each queue, as far as they are known.

    Where they do not all fit, those with the longest ids are left out: an operator that starts closes their queues.
    """
    return [
        {
            "merchant": queue.merchant,
            "tier": queue.tier,
            "why": queue.why,
            "stage": queue.stage,
            "since": as_time(queue.since),
            "share": queue.share,
            **({"rate": queue.rate, "burst": queue.burst} if queue.rate is not None else {}),
            **({"rateFound": True} if queue.found else {}),
            # Whole seconds, and none too few: an operator that starts goes on with it.
            **({"pausedUntil": as_time(ceil(queue.paused_until))} if queue.paused_until else {}),
            "hold": round(queue.hold, 3),
            **({"waiting": waiting[queue.merchant]} if queue.merchant in waiting else {}),
        }
        for queue in sorted(_that_fit(queues), key=lambda queue: queue.merchant)
    ]


def _that_fit(queues: Iterable[OwnQueue]) -> Iterator[OwnQueue]:
    sizes = [(_FIELDS + len(json.dumps(queue.merchant, ensure_ascii=False).encode()), queue) for queue in queues]
    left = MOST_BYTES
    for size, queue in sorted(sizes, key=lambda sized: (sized[0], sized[1].merchant))[:MOST]:
        left -= size
        if left < 0:
            return
        yield queue


def remembered(status: Raw) -> dict[str, OwnQueue]:
    """Merchant -> its own queue, as the status has them; an entry that cannot be read is as if it were not there."""
    found: dict[str, OwnQueue] = {}
    for entry in status.get("ownQueues") or ():
        try:
            queue = _read(entry)
        except (KeyError, TypeError, ValueError):
            logger.warning("an entry of status.ownQueues cannot be read: %.200r", entry)
        else:
            found[queue.merchant] = queue
    return found


def _read(entry: Raw) -> OwnQueue:
    if entry["why"] not in _WHY or entry["stage"] not in _STAGES:
        raise ValueError(entry["why"], entry["stage"])
    return OwnQueue(
        merchant=entry["merchant"],
        tier=entry["tier"],
        why=entry["why"],
        stage=entry["stage"],
        since=datetime.fromisoformat(entry["since"]).timestamp(),
        share=int(entry["share"]),
        rate=None if entry.get("rate") is None else float(entry["rate"]),
        burst=int(entry.get("burst") or 1),
        hold=float(entry.get("hold") or 30.0),
        paused_until=datetime.fromisoformat(entry["pausedUntil"]).timestamp() if entry.get("pausedUntil") else 0.0,
        # An operator of an older version did not write it.
        found=entry.get("rateFound", entry["why"] == "RateLimited") is True and entry.get("rate") is not None,
    )
