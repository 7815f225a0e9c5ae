"""Routes to test with, as short as a test needs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from merchantroute_operator.spec.parse import parse
from merchantroute_operator.spec.route import Route

CLUSTER = "9f6f2c1e-0000-4000-8000-000000000001"
OWNER = f"{CLUSTER}/orders/pos"


def raw_route(
    *,
    tiers: Iterable[str | Mapping[str, Any]] = ("enterprise", "standard"),
    default: str = "standard",
    delays: Iterable[str] = ("1s", "15s", "2m"),
    merchants: Mapping[str, str] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """A MerchantRoute as the API server stores it; ``merchants`` is id -> tier; ``spec`` replaces whole fields.

    A tier of which only the name is given takes every Merchant object.
    """
    return {
        "metadata": {"namespace": "orders", "name": "pos", "uid": "u1", "generation": 3, "resourceVersion": "1"},
        "spec": {
            "broker": {"secretRef": {"name": "rabbitmq"}},
            "worker": {"image": "worker:1", "app": "merchantroute_worker.app"},
            "orders": {
                "steps": [{"name": "submit", "method": "POST", "path": "/orders"}],
                "callTimeout": "10s",
                "deadline": "30s",
                "maxAge": "24h",
                "retry": {"maxAttempts": 8, "delays": list(delays)},
            },
            "defaultTier": default,
            "tiers": [_open_tier(tier) if isinstance(tier, str) else tier for tier in tiers],
            "merchants": [
                {"id": merchant, "tier": tier, "endpoint": f"https://{merchant}.example"}
                for merchant, tier in (merchants or {}).items()
            ],
            **spec,
        },
    }


def _open_tier(name: str) -> dict[str, Any]:
    return {"name": name, "allowedMerchants": ["*"]}


def a_route(**changes: Any) -> Route:
    """``raw_route``, parsed."""
    return parse(raw_route(**changes))
