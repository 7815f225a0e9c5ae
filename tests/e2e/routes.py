"""Routes for tests: small, fast, and written to the broker and merchants of manifests/overlays/kind."""

from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]
SECRET = "broker"
COMPLETIONS = "completions"
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "fd00::/8")
IMAGE = "merchantroute-worker:0.1.0"


def route(
    name: str,
    *,
    tiers: Iterable[Json] | None = None,
    merchants: Mapping[str, str] | Iterable[Json] = (),
    worker: Json | None = None,
    orders: Json | None = None,
    deletion: Json | None = None,
    secret: str = SECRET,
    worker_secret: str | None = None,
) -> Json:
    """A route. `merchants` maps ids to tiers, or is the spec's own list; the first tier is the default one."""
    chosen = list(tiers or [tier("standard")])
    listed = [merchant(each, of) for each, of in merchants.items()] if isinstance(merchants, Mapping) else merchants
    return {
        "apiVersion": "merchantroute.dev/v1alpha1",
        "kind": "MerchantRoute",
        "metadata": {"name": name},
        "spec": {
            "broker": {
                "secretRef": {"name": secret},
                **({"workerSecretRef": {"name": worker_secret}} if worker_secret else {}),
            },
            "worker": {
                "image": IMAGE,
                "env": [{"name": "MR_COMPLETIONS", "value": COMPLETIONS}],
                "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
                **(worker or {}),
            },
            "orders": {
                "callTimeout": "4s",
                "deadline": "6s",
                "maxAge": "1h",
                "allowInsecure": True,
                "retry": {"maxAttempts": 8, "delays": ["500ms", "1s"]},
                **(orders or {}),
            },
            # Of merchant-sim, and of addresses written out: those of the cluster are private.
            "egress": {"allow": ["merchant-sim.merchants.svc", *PRIVATE]},
            "defaultTier": chosen[0]["name"],
            "tiers": chosen,
            "deletion": deletion or {"policy": "Force"},
            "merchants": list(listed),
        },
    }


def tier(name: str, *, concurrency: int = 10, **scaling: Any) -> Json:
    """A tier of one pod, unless `scaling` says otherwise, that takes every Merchant object."""
    return {
        "name": name,
        "allowedMerchants": ["*"],
        "concurrency": concurrency,
        "maxInFlightPerMerchant": concurrency,
        "scaling": {"minReplicas": 1, "maxReplicas": 1, "assumedOrderTime": "500ms", **scaling},
    }


def app(module: str, code: str) -> tuple[Json, Json]:
    """A user's app of one module: the ConfigMap that holds it, and the route's ``worker`` that runs it."""
    config_map: Json = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "code"},
        "data": {f"{module}.py": code},
    }
    worker: Json = {
        "app": module,
        "env": [{"name": "MR_COMPLETIONS", "value": COMPLETIONS}, {"name": "PYTHONPATH", "value": "/code"}],
        "volumes": [{"name": "code", "configMap": {"name": "code"}}],
        "volumeMounts": [{"name": "code", "mountPath": "/code", "readOnly": True}],
    }
    return config_map, worker


def merchant(merchant_id: str, of: str, **rest: Any) -> Json:
    """A merchant that merchant-sim plays."""
    endpoint = f"http://merchant-sim.merchants.svc:8080/m/{merchant_id}"
    return {"id": merchant_id, "tier": of, "endpoint": endpoint, **rest}
