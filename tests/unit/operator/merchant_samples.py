"""Merchant objects for tests."""

from __future__ import annotations

from typing import Any

from merchantroute_operator.spec.claim import Claim, parse_claim


def raw_merchant(name: str = "taco", tier: str = "standard", *, created: int = 1, **spec: Any) -> dict[str, Any]:
    """One as the API server stores it; ``created`` is a minute of the hour, ``spec`` replaces whole fields."""
    return {
        "apiVersion": "merchantroute.dev/v1alpha1",
        "kind": "Merchant",
        "metadata": {
            "namespace": "orders",
            "name": name,
            "uid": f"uid-{name}",
            "generation": 1,
            "resourceVersion": "100",
            "creationTimestamp": f"2026-01-01T00:{created:02}:00Z",
        },
        "spec": {"routeRef": {"name": "pos"}, "tier": tier, "endpoint": f"https://{name}.example", **spec},
        "status": {"observedGeneration": -1},
    }


def a_claim(name: str = "taco", tier: str = "standard", **spec: Any) -> Claim:
    """``raw_merchant``, parsed."""
    return parse_claim(raw_merchant(name, tier, **spec))
