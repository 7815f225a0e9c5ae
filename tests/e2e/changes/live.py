"""How long a change takes to reach running pods: from the end of `kubectl apply` until each has loaded it."""

from __future__ import annotations

import json
import time
from statistics import quantiles

from merchantroute_kit.waiting import until
from tests.e2e.changes.site import ROUTE, Site, tier_of

PORT = 9090
STANDARD = "standard"


def seconds_until_loaded(site: Site, times: int) -> list[float]:
    """Change the tier's concurrency so many times; for each the seconds until every pod of the tier had loaded it."""
    took = []
    for number in range(times):
        known = max(_loaded(site))
        document = site.document
        tier_of(document["spec"], STANDARD)["concurrency"] = 10 + number % 7
        site.tenant.apply(document, server_side=False)
        began = time.monotonic()
        until(lambda known=known: min(_loaded(site)) > known, "every pod has loaded the change")  # type: ignore[misc]
        took.append(time.monotonic() - began)
    return took


def summary(took: list[float]) -> dict[str, float]:
    """Its p50, p99 and maximum in seconds."""
    cuts = quantiles(took, n=100, method="inclusive")
    return {"changes": len(took), "p50": round(cuts[49], 2), "p99": round(cuts[98], 2), "max": round(max(took), 2)}


def _loaded(site: Site) -> list[int]:
    """The configuration generation that each pod of the tier says it has loaded."""
    tenant = site.tenant
    pods = [pod for pod in tenant.pods(ROUTE) if pod["metadata"]["labels"].get("merchantroute.dev/tier") == STANDARD]
    paths = [
        f"api/v1/namespaces/{tenant.namespace}/pods/{pod['metadata']['name']}:{PORT}/proxy/merchants" for pod in pods
    ]
    return [json.loads(tenant.installation.text(path) or "{}")["generation"] for path in paths]
