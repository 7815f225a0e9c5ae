"""A route with a canary, with both ports in memory."""

from __future__ import annotations

from typing import Any

from merchantroute_operator.scaling.model import Pulse
from tests.unit.operator.operator_under_test import DOOR, KEY
from tests.unit.operator.reconcile.passes.test_suspect_lane import Fleet
from tests.unit.operator.route_samples import raw_route

TIER = f"{DOOR}.standard"
CANARY = f"{TIER}.canary"
WALK = {"steps": [5, 50], "interval": "1m", "minOrders": 50}
ANNOTATION = "merchantroute.dev/canary"


class Road(Fleet):
    """One tier with a canary."""

    def lanes(self) -> dict[str, dict[str, Any]]:
        """Lane -> Deployment of the tier."""
        found = (body for (kind, _), body in self.kube.objects.items() if kind == "Deployment")
        return {
            body["metadata"]["labels"]["merchantroute.dev/lane"]: body
            for body in found
            if body["metadata"]["labels"]["merchantroute.dev/tier"] == "standard"
        }

    def live(self) -> dict[str, Any]:
        """By tier, the canary's as such."""
        return {**super().live(), **{f"standard {lane}": body for lane, body in self.lanes().items()}}

    def share(self) -> int:
        """Percent of the orders that go to the canary, as the broker is bound."""
        (way,) = [b.target for b in self.broker.topology.bindings if b.source == TIER] or [""]
        parts = {b.target: int(b.key) for b in self.broker.topology.bindings if way and b.source == way}
        assert not parts or sum(parts.values()) == 100
        return parts.get(CANARY, 0)

    def rewrite(self, canary: dict[str, Any] | None) -> None:
        self.change(**spec_of(canary))

    def annotate(self, text: str) -> None:
        assert self.kube.stored is not None
        self.kube.stored["metadata"]["annotations"] = {ANNOTATION: text}

    def annotations(self) -> dict[str, str]:
        assert self.kube.stored is not None
        return self.kube.stored["metadata"].get("annotations", {})

    def work(self, lane: str, finished: int, failed: int = 0) -> None:
        """A pod of the lane has done so much since it started."""
        self.hear(
            Pulse(
                f"pod-{lane}", *KEY, "standard", lane,
                started=0, at=self.at, generation=1, busy=1, busy_seconds=finished * 0.5,
                finished=finished, retried=failed, dead=0,
            )
        )  # fmt: skip

    def phase(self) -> tuple[str, int]:
        (canary,) = self.kube.status["canaries"]
        return canary["phase"], canary["weight"]


def spec_of(canary: dict[str, Any] | None) -> dict[str, Any]:
    return {"tiers": [{"name": "standard", **({"canary": canary} if canary is not None else {})}]}


def road(canary: dict[str, Any]) -> Road:
    """A route whose canary has a ready pod and gets its orders."""
    world = Road(raw_route(**spec_of(canary)))
    world.settle()
    world.settle()
    return world
