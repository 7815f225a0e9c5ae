"""Every change that is made under load, by the name it has in the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.e2e.changes import canary, places, spec
from tests.e2e.changes.site import Json, Site
from tests.e2e.routes import route, tier

STEP = {"name": "submit", "method": "POST", "path": "/orders"}


@dataclass(frozen=True)
class Change:
    """``make`` makes the change and waits until it has taken hold. ``lane`` is the tier that it may halt."""

    make: Callable[[Site], None]
    lane: str = "standard"


CHANGES: Mapping[str, Change] = {
    "concurrency": Change(spec.concurrency),
    "limits": Change(spec.limits),
    "steps": Change(spec.steps),
    "retry delays": Change(spec.retry_delays),
    "pool": Change(spec.pool),
    "image": Change(spec.image),
    "app": Change(spec.app),
    "merchant moved": Change(places.merchant_moved),
    "merchant added": Change(places.merchant_added, "small"),
    "merchant removed": Change(places.merchant_removed, "small"),
    "tier added": Change(places.tier_added),
    "tier removed": Change(places.tier_removed, "small"),
    "tier replaced": Change(places.tier_replaced),
    "default tier": Change(places.default_tier),
    "canary 5-50-100-0": Change(canary.canary_by_hand),
    "canary promoted": Change(canary.canary_promoted),
    "canary aborted": Change(canary.canary_aborted),
    "operator killed": Change(places.operator_killed),
}
IN_EVERY_RUN = ("tier replaced", "operator killed")


def before() -> Json:
    """The route of every change, before it: one step, two tiers."""
    return route(
        "pos",
        tiers=[tier("standard", concurrency=20), tier("small", concurrency=10)],
        merchants={"shop-a": "standard", "shop-b": "standard", "shop-c": "small", "shop-old": "small"},
        orders={"steps": [STEP], "retry": {"maxAttempts": 50, "delays": ["500ms", "1s"]}},
    )
