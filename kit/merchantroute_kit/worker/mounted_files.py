"""What the operator mounts into a pod (configuration, credentials, the broker's Secret), written as plain files."""

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from merchantroute_kit.servers.vhosts import Vhost
from merchantroute_kit.worker import topology

STEPS = [
    {"name": "validate", "method": "POST", "path": "/orders/validate"},
    {"name": "submit", "method": "POST", "path": "/orders"},
    {"name": "confirm", "method": "GET", "path": "/orders/{order_id}"},
]
LIMITS: dict[str, Any] = {
    "callTimeoutMs": 2000,
    "deadlineMs": 5000,
    "maxAgeMs": 3_600_000,
    "maxAttempts": 4,
    "delaysMs": [200, 700],
    "defaultEndpoint": None,
    "allowInsecure": True,
    "egress": {"allow": ["127.0.0.0/8", "::1"]},  # merchants are on this machine
}


def route_document(*, concurrency: int, limits: Mapping[str, Any], died_at: float | None = None) -> dict[str, Any]:
    """The route as pods read it (schema/config-route.json); `limits` replace those of `LIMITS`, and the steps;
    `died_at` (epoch seconds) is when a pod of the tier last died.
    """
    given = {**LIMITS, **limits}
    ceiling = given.pop("maxInFlightPerMerchant", max(1, min(50, concurrency // 2)))
    tier = {"queue": topology.QUEUE, "retry": topology.RETRY, "pool": "gevent", "concurrency": concurrency}
    return {
        "v": 1,
        "namespace": topology.NAMESPACE,
        "route": topology.ROUTE,
        "frontDoor": topology.FRONT,
        "router": f"{topology.FRONT}.router",
        "dead": topology.DEAD,
        "suspect": topology.SUSPECT,
        "pulses": topology.PULSES,
        "steps": STEPS,
        "defaultTier": topology.TIER,
        "tiers": {topology.TIER: {**tier, "maxInFlightPerMerchant": ceiling}},
        **({} if died_at is None else {"deaths": {topology.TIER: round(died_at * 1000)}}),
        **given,
    }


def write_config(
    root: Path,
    *,
    generation: int,
    concurrency: int,
    merchants: Mapping[str, Any],
    limits: Mapping[str, Any],
    died_at: float | None = None,
    own: Mapping[str, Any] | None = None,
) -> None:
    """Write one generation of configuration and credentials, indexes last, as a swap of volumes would look. `own` is
    the document of own queues (schema/config-own.json), without which there is no such file.
    """
    config, secrets = root / "config", root / "credentials"
    for folder in (config, secrets):
        folder.mkdir(exist_ok=True)
    secret = {merchant: entry["credentials"] for merchant, entry in merchants.items() if entry.get("credentials")}
    public = {
        merchant: {"tier": topology.TIER, "endpoint": entry["endpoint"]}
        | ({"credentials": secret[merchant]["type"]} if merchant in secret else {})
        | {key: entry[key] for key in ("workflow", "fields") if key in entry}
        for merchant, entry in merchants.items()
    }
    documents = {
        "route.json": route_document(concurrency=concurrency, limits=limits, died_at=died_at),
        "merchants-all.json": {"v": 1, "merchants": public},
        **({} if own is None else {"own.json": own}),
    }
    keys = {"credentials-all.json": {"v": 1, "credentials": secret}}
    key_sums, sums = _write(secrets, keys), _write(config, documents)
    _write(secrets, {"index.json": {"v": 1, "generation": generation, "files": key_sums}})
    index = {"v": 1, "generation": generation, "renderedAt": round(time.time() * 1000), "files": sums}
    _write(config, {"index.json": {**index, "credentialsGeneration": generation}})


def write_broker(root: Path, vhost: Vhost, *, password: str | None = None) -> None:
    """Write where the broker is."""
    folder = root / "broker"
    folder.mkdir(exist_ok=True)
    texts = {"host": vhost.host, "port": str(vhost.port), "username": vhost.username, "vhost": vhost.name}
    for name, text in {**texts, "password": vhost.password if password is None else password}.items():
        _replace(folder / name, text.encode())


def _write(folder: Path, documents: Mapping[str, Any]) -> dict[str, str]:
    sums = {}
    for name, document in documents.items():
        data = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        _replace(folder / name, data)
        sums[name] = hashlib.sha256(data).hexdigest()
    return sums


def _replace(path: Path, data: bytes) -> None:
    """Never half a file: a mounted volume swaps whole."""
    temporary = path.parent.parent / f".{path.parent.name}-{path.name}"
    temporary.write_bytes(data)
    temporary.replace(path)
