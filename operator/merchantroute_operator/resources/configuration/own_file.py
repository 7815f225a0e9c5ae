"""The text of ``own.json`` (``schema/config-own.json``): which own queues a tier's pods consume, each how much of them.

It is in the first ConfigMap beside the index, which every change of it changes anyway, and in none of the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from merchantroute_operator.resources.configuration.sharding import OBJECT
from merchantroute_operator.resources.metadata import canonical

OWN = "own.json"
BESIDE = 96 * 1024
"""Bytes of the first ConfigMap for the index and for what holds for every merchant."""


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """One merchant's own queue as pods see it; ``parts`` is by pod, ``paused_until`` seconds since the epoch. ``group``
    is its group where that has limits.
    """

    merchant: str
    tier: str
    queue: str
    parts: Mapping[str, int]
    bound: bool
    rate: float | None = None
    burst: int = 1
    paused_until: float = 0.0
    group: str | None = None


class OfGroup(NamedTuple):
    """A group with limits: beside merchants the other kind of what has parts."""

    name: str


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """What a group with limits has in the pods of one tier: ``group`` of its merchants' entries is its name."""

    name: str
    tier: str
    parts: Mapping[str, int]
    rate: float | None = None
    burst: int = 1


def room_beside(shard: int) -> int:
    """Bytes that the file may have in a ConfigMap beside a shard of so many."""
    return max(0, OBJECT - BESIDE - shard)


def own_file(
    entries: Iterable[OwnEntry],
    pods: Mapping[str, Sequence[str]],
    room: int,
    groups: Iterable[GroupEntry] = (),
) -> tuple[str, frozenset[str]]:
    """The text, empty without an entry, and the merchants of the entries that are in it: the first that find room.

    ``pods`` are the names of each tier's. All ``groups`` are in it whose tier is.
    """
    limited = {(group.tier, group.name): _group(group, list(pods.get(group.tier, ()))) for group in groups}
    tiers: dict[str, dict[str, Any]] = {}
    named: set[str] = set()
    size = sum(_size(document) for document in limited.values())
    for entry in entries:
        listed = list(pods.get(entry.tier, ()))
        document = _entry(entry, listed)
        size += _size(document)
        size += 0 if entry.tier in tiers else _size({entry.tier: {"pods": listed, "queues": [], "groups": []}})
        if size > room:
            break
        tiers.setdefault(entry.tier, {"pods": listed, "queues": []})["queues"].append(document)
        named.add(entry.merchant)
    for name, tier in tiers.items():
        tier["queues"].sort(key=lambda document: document["merchant"])
        if of_tier := [document for (of, _), document in sorted(limited.items()) if of == name]:
            tier["groups"] = of_tier
    return canonical({"v": 1, "tiers": tiers}) if tiers else "", frozenset(named)


def parts_in(text: str) -> dict[str | OfGroup, dict[str, int]]:
    """Merchant or group -> pod -> part, as a text says; nothing of one that cannot be read."""
    found: dict[str | OfGroup, dict[str, int]] = {}
    try:
        for tier in json.loads(text)["tiers"].values():
            found |= {entry["merchant"]: _parts(tier["pods"], entry) for entry in tier["queues"]}
            for entry in tier.get("groups", ()):
                # A group's pods are of several tiers.
                found.setdefault(OfGroup(entry["name"]), {}).update(_parts(tier["pods"], entry))
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}
    return found


def _parts(pods: Sequence[str], entry: Mapping[str, Any]) -> dict[str, int]:
    return {pod: part for pod, part in zip(pods, map(int, entry["parts"]), strict=True) if part}


def _size(document: Mapping[str, Any]) -> int:
    return len(canonical(document).encode()) + 1


def _entry(entry: OwnEntry, pods: Sequence[str]) -> dict[str, Any]:
    return {
        "merchant": entry.merchant,
        "queue": entry.queue,
        "bound": entry.bound,
        "parts": [entry.parts.get(pod, 0) for pod in pods],
        **({"rate": entry.rate, "burst": entry.burst} if entry.rate is not None else {}),
        **({"pausedUntil": round(entry.paused_until * 1000)} if entry.paused_until else {}),
        **({"group": entry.group} if entry.group is not None else {}),
    }


def _group(entry: GroupEntry, pods: Sequence[str]) -> dict[str, Any]:
    return {
        "name": entry.name,
        "parts": [entry.parts.get(pod, 0) for pod in pods],
        **({"rate": entry.rate, "burst": entry.burst} if entry.rate is not None else {}),
    }
