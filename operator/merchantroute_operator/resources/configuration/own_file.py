"""The text of ``own.json`` (``schema/config-own.json``): which own queues a tier's pods consume, each how much of them.

It is in the first ConfigMap beside the index, which every change of it changes anyway, and in none of the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from merchantroute_operator.resources.configuration.sharding import OBJECT
from merchantroute_operator.resources.metadata import canonical

OWN = "own.json"
BESIDE = 96 * 1024
"""Bytes of the first ConfigMap for the index and for what holds for every merchant."""


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """One merchant's own queue as pods see it; ``parts`` is by pod, ``paused_until`` seconds since the epoch."""

    merchant: str
    tier: str
    queue: str
    parts: Mapping[str, int]
    bound: bool
    rate: float | None = None
    burst: int = 1
    paused_until: float = 0.0


def room_beside(shard: int) -> int:
    """Bytes that the file may have in a ConfigMap beside a shard of so many."""
    return max(0, OBJECT - BESIDE - shard)


def own_file(entries: Iterable[OwnEntry], pods: Mapping[str, Sequence[str]], room: int) -> tuple[str, frozenset[str]]:
    """The text, empty without an entry, and the merchants of the entries that are in it: the first that find room.

    ``pods`` are the names of each tier's.
    """
    tiers: dict[str, dict[str, Any]] = {}
    named: set[str] = set()
    size = 0
    for entry in entries:
        listed = list(pods.get(entry.tier, ()))
        document = _entry(entry, listed)
        size += len(canonical(document).encode()) + 1
        size += 0 if entry.tier in tiers else len(canonical({entry.tier: {"pods": listed, "queues": []}}).encode())
        if size > room:
            break
        tiers.setdefault(entry.tier, {"pods": listed, "queues": []})["queues"].append(document)
        named.add(entry.merchant)
    for tier in tiers.values():
        tier["queues"].sort(key=lambda document: document["merchant"])
    return canonical({"v": 1, "tiers": tiers}) if tiers else "", frozenset(named)


def parts_in(text: str) -> dict[str, dict[str, int]]:
    """Merchant -> pod -> part, as a text says; nothing of one that cannot be read."""
    try:
        return {
            entry["merchant"]: {
                pod: part for pod, part in zip(tier["pods"], map(int, entry["parts"]), strict=True) if part
            }
            for tier in json.loads(text)["tiers"].values()
            for entry in tier["queues"]
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def _entry(entry: OwnEntry, pods: Sequence[str]) -> dict[str, Any]:
    return {
        "merchant": entry.merchant,
        "queue": entry.queue,
        "bound": entry.bound,
        "parts": [entry.parts.get(pod, 0) for pod in pods],
        **({"rate": entry.rate, "burst": entry.burst} if entry.rate is not None else {}),
        **({"pausedUntil": round(entry.paused_until * 1000)} if entry.paused_until else {}),
    }
