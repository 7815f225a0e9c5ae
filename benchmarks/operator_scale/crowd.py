"""A route with thousands of Merchant objects: until all are bound, and until one of them has moved to another tier."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.operator_scale.brokers import Brokers
from benchmarks.operator_scale.routes import GROUP, NAMESPACES, TIERS, Place, route
from benchmarks.progress import Progress
from merchantroute_kit.servers.api_server import ApiServer
from merchantroute_kit.waiting import until

PATIENCE = 1800.0  # seconds
MOVES = 5
PAGE = 500


class Crowd:
    """So many merchants in one route on the first broker."""

    def __init__(self, server: ApiServer, brokers: Brokers, merchants: int, progress: Progress) -> None:
        self._server = server
        self._brokers = brokers
        self._merchants = merchants
        self._progress = progress
        self._place = Place(NAMESPACES * brokers.count * 1000, brokers.count)  # on the first broker
        self._objects = f"{GROUP}/namespaces/{self._place.namespace}/merchants"

    def run(self) -> dict[str, Any]:
        """Its part of the result."""
        began = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(self._create, range(self._merchants)))
        self._progress.line(f"  {self._merchants} merchants were created in {time.monotonic() - began:.0f} s")
        began = time.monotonic()
        self._server.apply(self._place.path, self._route())
        until(self._all_are_bound, "every merchant to be bound", PATIENCE, interval=2)
        bound = time.monotonic() - began
        until(self._all_are_told, "every merchant's status to say so", PATIENCE, interval=10)
        told = time.monotonic() - began
        moves = [self._move(number) for number in range(MOVES)]
        return {
            "crowd": self._merchants,
            "crowd_bound_seconds": round(bound, 1),
            "crowd_told_seconds": round(told, 1),
            "crowd_move_seconds": [round(each, 2) for each in moves],
        }

    def _route(self) -> dict[str, Any]:
        body = route(self._place)
        body["spec"]["merchants"] = []
        for tier in body["spec"]["tiers"]:
            tier["allowedMerchants"] = ["crowd-*"]
        return body

    def _all_are_bound(self) -> bool:
        bound = len(self._bindings())
        self._progress.tell(f"{bound} of {self._merchants} are bound")
        return bound >= self._merchants

    def _bindings(self) -> dict[str, str]:
        """Merchant -> the exchange of its tier."""
        found = self._brokers.bindings(self._place.broker, f"{self._door}.assigned")
        return {each["routing_key"]: each["destination"] for each in found}

    @property
    def _door(self) -> str:
        return f"mr.{self._place.namespace}.{self._place.name}"

    def _all_are_told(self) -> bool:
        active, after = 0, ""
        while True:
            page = self._server.call("GET", f"{self._objects}?limit={PAGE}&continue={after}")
            active += sum(each.get("status", {}).get("state") == "Active" for each in page["items"])
            after = page["metadata"].get("continue", "")
            if not after:
                self._progress.tell(f"{active} of {self._merchants} are active")
                return active == self._merchants

    def _move(self, number: int) -> float:
        """Seconds from the change of its tier until its orders go there; returns once its status says so, too."""
        name, tier = f"crowd-{number}", TIERS[(number + 1) % len(TIERS)]
        wanted = f"{self._door}.{tier}"
        began = time.monotonic()
        self._server.call("PATCH", f"{self._objects}/{name}", {"spec": {"tier": tier}}, "application/merge-patch+json")
        until(lambda: self._brokers.leads(self._place.broker, f"{self._door}.assigned", wanted, name), name, PATIENCE)
        seconds = time.monotonic() - began
        until(lambda: self._is_told(name, tier), f"{name}'s status to say so", PATIENCE, interval=1)
        return seconds

    def _is_told(self, name: str, tier: str) -> bool:
        status = self._server.call("GET", f"{self._objects}/{name}").get("status", {})
        return (status.get("state"), status.get("tier")) == ("Active", tier)

    def _create(self, number: int) -> None:
        name = f"crowd-{number}"
        spec = {
            "routeRef": {"name": self._place.name},
            "tier": TIERS[number % len(TIERS)],
            "endpoint": f"https://{name}.example.com/",
        }
        body = {
            "apiVersion": "merchantroute.dev/v1alpha1",
            "kind": "Merchant",
            "metadata": {"name": name},
            "spec": spec,
        }
        self._server.call("POST", self._objects, body)
