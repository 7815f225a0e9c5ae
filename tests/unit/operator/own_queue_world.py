"""A route with two pods that work own queues, and its operator with its scaler."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from merchantroute_operator import naming
from merchantroute_operator.isolation.model import GroupFigures, MerchantFigures
from merchantroute_operator.scaling.model import Pulse
from tests.unit.operator.operator_under_test import KEY
from tests.unit.operator.pod_samples import a_pod
from tests.unit.operator.reconcile.passes.test_suspect_lane import Fleet
from tests.unit.operator.route_samples import raw_route

MERCHANT = "hut"
QUEUE = naming.own_queue(*KEY, MERCHANT)
ROUTER = naming.router(*KEY)
PODS = ("pod-1", "pod-2")
BOTH: dict[str, Any] = {"merchants": {MERCHANT: "standard", "bar": "enterprise"}}


class OwnFleet(Fleet):
    """Pods say what they have loaded, and what they see of merchants and ``groups``."""

    groups: Mapping[str, GroupFigures] = MappingProxyType({})

    def generation(self) -> int:
        """That of the configuration as it is stored."""
        return int(json.loads(self.config()["index.json"])["generation"])

    def config(self) -> dict[str, str]:
        """The files of the first ConfigMap."""
        body = self.kube.objects["ConfigMap", naming.config_map("pos", "")]
        data: dict[str, str] = body["data"]
        return data

    def own(self) -> dict[str, dict[str, Any]]:
        """Merchant -> what the configuration says of its queue; ``pods`` and ``tier`` are its tier's."""
        tiers = json.loads(self.config().get("own.json", '{"tiers": {}}'))["tiers"]
        return {
            entry["merchant"]: {**entry, "pods": tier["pods"], "tier": name}
            for name, tier in tiers.items()
            for entry in tier["queues"]
        }

    def say(
        self, *figures: MerchantFigures, pods: tuple[str, ...] = PODS, generation: int | None = None,
        tier: str = "standard", slots: int | None = 20,
    ) -> None:  # fmt: skip
        """These ready pods have loaded a generation, the newest unless told, and report these merchants."""
        loaded = self.generation() if generation is None else generation
        for pod in pods:
            self.kube.objects["Pod", pod] = a_pod(pod, tier=tier)
            reported = {each.merchant: each for each in figures}
            self.hear(
                Pulse(
                    pod, *KEY, tier, "stable", 0, self.at, loaded, 0, 0.0, 0, 0, 0,
                    slots=slots, active=max(4, len(figures)), fair_share=10, merchants=reported,
                    groups=self.groups,
                )
            )  # fmt: skip

    def turn(self, *figures: MerchantFigures, times: int = 1, seconds: float = 2.0) -> None:
        """Pods that have loaded the newest speak, the scaler ticks, and a pass is made of what it asked for."""
        for _ in range(times):
            self.say(*figures)
            self.tick(seconds)
            self.look()

    def stage(self, merchant: str = MERCHANT) -> str | None:
        """As the status has it."""
        found = (each["stage"] for each in self.kube.status.get("ownQueues", ()) if each["merchant"] == merchant)
        return next(found, None)

    def leads(self, merchant: str = MERCHANT) -> list[str]:
        """Where the router leads its orders."""
        return [b.target for b in self.broker.topology.bindings if (b.source, b.key) == (ROUTER, merchant)]


def own_fleet(**spec: Any) -> OwnFleet:
    """A route of which both pods know the configuration; by default one merchant is pinned."""
    given: dict[str, Any] = {
        "merchants": {MERCHANT: "standard", "bar": "enterprise"},
        "isolation": {"pinned": [MERCHANT]},
        **spec,
    }
    world = OwnFleet(raw_route(**given))
    world.settle()
    world.say()
    world.look()
    return world


def opened(**spec: Any) -> OwnFleet:
    """A fleet whose merchant has an open queue that pods know to be bound."""
    world = own_fleet(**spec)
    world.turn(times=4)
    assert world.stage() == "Open"
    world.say()
    return world
