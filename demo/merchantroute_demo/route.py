"""The facts of a MerchantRoute that the demo needs, read from the object in the API server."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)")


@dataclass(frozen=True)
class Tier:
    """A tier's size: concurrency is slots per pod."""

    name: str
    concurrency: int
    max_replicas: int

    @property
    def slots(self) -> int:
        """Slots at maxReplicas: what a hung merchant would have to fill."""
        return self.concurrency * self.max_replicas


@dataclass(frozen=True)
class Route:
    """A route's facts. Times are seconds, `merchants` maps a merchant's id to its tier, `rungs` are the ladder's,
    `completions` is the exchange that workers publish completion records to, if any.
    """

    namespace: str
    name: str
    secret: str
    completions: str | None
    call_timeout: float
    rungs: tuple[float, ...]
    steps: tuple[str, ...]
    tiers: Mapping[str, Tier]
    merchants: Mapping[str, str]

    @property
    def front_door(self) -> str:
        """The exchange that producers publish to; every other name of the route begins with it and a dot."""
        return f"mr.{self.namespace}.{self.name}"


def seconds(duration: str) -> float:
    """A duration as Kubernetes writes it ("1m30s", "500ms") in seconds. ValueError if it is none."""
    parts = _PART.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"{duration!r} is no duration like 500ms or 1m30s")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def parse(found: Mapping[str, Any]) -> Route:
    """From the custom resource; what the API server would default is defaulted here as well."""
    spec, meta = found["spec"], found["metadata"]
    orders = spec.get("orders", {})
    steps = orders.get("steps") or [{"name": name} for name in ("validate", "submit", "confirm")]
    return Route(
        namespace=meta["namespace"],
        name=meta["name"],
        secret=spec["broker"]["secretRef"]["name"],
        completions=next(
            (e.get("value") for e in spec["worker"].get("env", []) if e["name"] == "MR_COMPLETIONS"), None
        ),
        call_timeout=seconds(orders.get("callTimeout", "10s")),
        rungs=tuple(sorted(map(seconds, orders.get("retry", {}).get("delays", ("1s", "15s", "2m"))))),
        steps=tuple(step["name"] for step in steps),
        tiers={tier["name"]: _tier(tier) for tier in spec["tiers"]},
        merchants={merchant["id"]: merchant["tier"] for merchant in spec.get("merchants", [])},
    )


def condition(found: Mapping[str, Any], kind: str) -> tuple[str, str]:
    """(status, "Reason: message") of a condition; ("Unknown", "") where the operator has not written it."""
    for one in found.get("status", {}).get("conditions", []):
        if one["type"] == kind:
            return one["status"], f"{one.get('reason', '')}: {one.get('message', '')}"
    return "Unknown", "the operator has not said yet"


def _tier(tier: Mapping[str, Any]) -> Tier:
    return Tier(tier["name"], tier.get("concurrency", 100), tier.get("scaling", {}).get("maxReplicas", 10))


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
