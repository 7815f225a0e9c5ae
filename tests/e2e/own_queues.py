"""Merchants' own queues, as the route's status tells of them and as the broker has them."""

from __future__ import annotations

from functools import partial
from typing import Any

from merchantroute_kit.waiting import until
from tests.e2e.tenant import Tenant

ROUTE = "pos"
OPENS = 90.0  # seconds; a bound, not a measure
GOES = 240.0  # a queue is kept for half a minute of calm, and proven to be empty


def own(tenant: Tenant, merchant: str) -> dict[str, Any]:
    """The merchant's own queue in the route's status; {} where it has none."""
    found = (tenant.route(ROUTE) or {}).get("status", {}).get("ownQueues", [])
    return next((one for one in found if one["merchant"] == merchant), {})


def own_queues(tenant: Tenant) -> list[str]:
    """The own queues that the broker has."""
    return [name for name in tenant.queues(ROUTE) if name.startswith("own.")]


def stands(tenant: Tenant, merchant: str, stage: str) -> bool:
    """Whether the merchant's own queue is at this stage."""
    return own(tenant, merchant).get("stage") == stage


def is_open(tenant: Tenant, merchant: str) -> None:
    """Wait until the merchant's orders are led to a queue of its own."""
    until(partial(stands, tenant, merchant, "Open"), f"{merchant} has a queue of its own", OPENS, partial(tell, tenant))


def is_gone(tenant: Tenant, merchant: str) -> None:
    """Wait until the merchant has none any more."""
    until(lambda: not own(tenant, merchant), f"{merchant} has no queue of its own", GOES, partial(tell, tenant))


def tell(tenant: Tenant) -> str:
    """What the route says, for a failure's message."""
    status = (tenant.route(ROUTE) or {}).get("status", {})
    return f"{status.get('ownQueues')} {tenant.tell(ROUTE)} {tenant.queues(ROUTE)}"
