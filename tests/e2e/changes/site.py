"""Where a change is made: a route under load, its document, and the books."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

from merchantroute_kit.waiting import until
from tests.e2e.tenant import Tenant
from tests.e2e.web_shop import WebShop

Json = dict[str, Any]
ROUTE = "pos"
ONE_CHANGE = 180.0  # seconds; a bound, not a measure


@dataclass
class Site:
    """A route whose orders flow. ``document`` is what was applied last."""

    tenant: Tenant
    web_shop: WebShop
    document: Json

    def apply(self, edit: Callable[[Json], None]) -> None:
        """Edit a copy of the spec, `kubectl apply` it, and wait until the route is Ready with it."""
        document = deepcopy(self.document)
        edit(document["spec"])
        self.document = document
        self.tenant.apply(document, server_side=False)
        self.tenant.ready(ROUTE, within=ONE_CHANGE)

    def until(self, look: Callable[[], Any], what: str) -> None:
        """Wait for what the cluster does in its own time."""
        until(look, what, ONE_CHANGE, partial(self.tenant.tell, ROUTE))

    def names(self) -> set[str]:
        """The route's pods, those that are told to go included."""
        return {pod["metadata"]["name"] for pod in self.tenant.pods(ROUTE)}

    def rolled(self, before: set[str], count: int) -> None:
        """Wait until so many of the pods of before are gone, and their successors ready."""
        self.until(lambda: len(before - self.names()) >= count, f"{count} of {sorted(before)} are gone")
        self.tenant.ready(ROUTE, within=ONE_CHANGE)

    def knows(self, tier: str) -> None:
        """Wait until the tier's pods have loaded what was applied."""
        self.until(partial(self._is_newest, tier), f"the pods of {tier} have loaded the newest configuration")

    def arrives(self, merchant: str, tier: str) -> None:
        """Orders published from now on for the merchant are done in that tier."""
        orders = self.web_shop.publish(merchant, 5)
        self.until(partial(self.web_shop.are_done, orders), f"orders of {merchant} are done")
        assert self.web_shop.tiers(orders) == {tier}

    def empty(self, tier: str) -> None:
        """Wait until nothing of a tier is left in the broker."""
        self.until(lambda: not self._queues(tier), f"the queues of {tier} are gone")

    def _queues(self, tier: str) -> list[str]:
        return [name for name in self.tenant.queues(ROUTE) if name.startswith(f"{tier}.")]

    def _is_newest(self, tier: str) -> bool:
        newest = (self.tenant.route(ROUTE) or {})["status"].get("configGeneration")
        return bool(newest and self.tenant.lane(ROUTE, tier).get("configGeneration") == newest)


def tier_of(spec: Json, name: str) -> Json:
    """A tier of a spec."""
    found: Json = next(tier for tier in spec["tiers"] if tier["name"] == name)
    return found


def merchant_of(spec: Json, merchant: str) -> Json:
    """A merchant's entry of a spec."""
    found: Json = next(entry for entry in spec["merchants"] if entry["id"] == merchant)
    return found
