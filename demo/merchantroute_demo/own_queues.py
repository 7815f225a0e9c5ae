"""What the route's status says of merchants' own queues, and what the story tells when that changes. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any


@dataclass(frozen=True)
class OwnQueue:
    """A merchant's own queue; `share` is how many of its orders all pods together may work at a time."""

    merchant: str
    queue: str
    why: str
    stage: str
    share: int


def own_queues(route: Mapping[str, Any]) -> dict[str, OwnQueue]:
    """By merchant, as the MerchantRoute's status has them."""
    door = f"mr.{route['metadata']['namespace']}.{route['metadata']['name']}"
    return {
        one["merchant"]: OwnQueue(
            merchant=one["merchant"],
            queue=f"{door}.own.{sha256(one['merchant'].encode()).hexdigest()[:12]}",
            why=one["why"],
            stage=one["stage"],
            share=one["share"],
        )
        for one in route.get("status", {}).get("ownQueues", [])
    }


def changes(before: Mapping[str, OwnQueue], after: Mapping[str, OwnQueue]) -> Iterator[str]:
    """A sentence for each own queue that was opened, has another share, is closing, or is gone."""
    for merchant, own in after.items():
        old = before.get(merchant)
        if own.stage == "Open" and (old is None or old.stage != "Open"):
            yield f"{merchant} has a queue of its own ({own.why}): {own.queue}, {_at_a_time(own)}"
        elif own.stage == "Closing" and (old is None or old.stage != "Closing"):
            yield f"{merchant} is well again: no new orders enter its queue, which drains"
        elif old is not None and old.share != own.share:
            yield f"{merchant}: {_at_a_time(own)}"
    for merchant in before.keys() - after.keys():
        yield f"{merchant} has no queue of its own any more"


def _at_a_time(own: OwnQueue) -> str:
    return f"{own.share} order{'s' if own.share != 1 else ''} at a time"
