"""The texts of the workers' files, in the formats that ``schema/config-route.json`` and ``-merchants.json`` hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from merchantroute_operator import naming
from merchantroute_operator.resources.metadata import canonical
from merchantroute_operator.spec.route import Merchant, Route, Step, Tier


def route_file(route: Route, cluster: str, deaths: Mapping[str, int]) -> str:
    """What holds for every merchant: limits, steps, names. Times are milliseconds; ``deaths`` are by tier."""
    place = (route.namespace, route.name)
    orders = route.orders
    return canonical(
        {
            "v": 1,
            "namespace": route.namespace,
            "route": route.name,
            "frontDoor": naming.front_door(*place),
            "router": naming.router(*place),
            "dead": naming.dead(*place),
            "suspect": naming.suspect(*place),
            "pulses": naming.pulses_exchange(cluster),
            "allowInsecure": orders.allow_insecure,
            "steps": [_step(step) for step in orders.steps],
            "callTimeoutMs": _ms(orders.call_timeout),
            "deadlineMs": _ms(orders.deadline),
            "maxAgeMs": _ms(orders.max_age),
            "maxAttempts": orders.max_attempts,
            "delaysMs": list(orders.delays),
            "etaDelaysMs": list(orders.eta_delays),
            "retryAfterMaxMs": round(orders.retry_after_max * 1000),
            "answers": dict(orders.answers),
            "defaultTier": route.default_tier,
            "defaultEndpoint": route.default_endpoint,
            "tiers": {tier.name: _tier(place, tier) for tier in route.tiers},
            **({"deaths": dict(deaths)} if deaths else {}),
        }
    )


def merchants_files(route: Route) -> dict[str, str]:
    """The sixteen parts of the list of merchants, by file name; all of them, also those without a merchant."""
    parts: dict[str, dict[str, Any]] = {part: {} for part in naming.SHARDS}
    for merchant in route.merchants:
        parts[naming.shard(merchant.id)][merchant.id] = _merchant(merchant)
    return {f"merchants-{part}.json": canonical({"v": 1, "merchants": found}) for part, found in parts.items()}


def _step(step: Step) -> dict[str, Any]:
    asks = step.verify
    verify = {"verify": {"method": asks.method, "path": asks.path}} if asks else {}
    return {"name": step.name, "method": step.method, "path": step.path, **verify}


def _tier(place: tuple[str, str], tier: Tier) -> dict[str, Any]:
    return {
        "queue": naming.stable_queue(*place, tier.name),
        "retry": naming.retry_exchange(*place, tier.name),
        "pool": tier.pool,
        "concurrency": tier.concurrency,
        "maxInFlightPerMerchant": tier.max_in_flight,
    }


def _merchant(merchant: Merchant) -> dict[str, Any]:
    credentials = {"credentials": merchant.credentials.type} if merchant.credentials else {}
    return {"tier": merchant.tier, "endpoint": merchant.endpoint, **credentials}


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
