"""The texts of the workers' files, in the formats that ``schema/config-route.json`` and ``-merchants.json`` hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from merchantroute_operator import naming
from merchantroute_operator.resources.configuration.sharding import divide, file_name
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
            "egress": {
                "allow": list(route.egress.allow),
                "deny": list(route.egress.deny),
                "insecureHosts": list(route.egress.insecure_hosts),
            },
            "steps": [_step(step) for step in orders.steps],
            **({"workflows": _workflows(orders.workflows)} if orders.workflows else {}),
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


def merchant_entries(route: Route) -> dict[str, dict[str, Any]]:
    """What the files say of each merchant, by id."""
    return {merchant.id: _merchant(merchant) for merchant in route.merchants}


def merchants_files(entries: Mapping[str, Mapping[str, Any]], digits: int) -> dict[str, str]:
    """The list of merchants by file name: one file for each shard, also for those without a merchant."""
    return {
        file_name("merchants", shard): canonical({"v": 1, "merchants": found})
        for shard, found in divide(entries, digits).items()
    }


def _workflows(workflows: Mapping[str, tuple[Step, ...]]) -> dict[str, Any]:
    return {name: [_step(step) for step in steps] for name, steps in workflows.items()}


def _step(step: Step) -> dict[str, Any]:
    if step.document is not None:
        return dict(step.document)
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
    group = {"group": merchant.group} if merchant.group else {}
    steps = {"workflow": merchant.workflow} if merchant.workflow else {}
    fields = {"fields": dict(merchant.fields)} if merchant.fields else {}
    return {"tier": merchant.tier, "endpoint": merchant.endpoint, **credentials, **group, **steps, **fields}


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
