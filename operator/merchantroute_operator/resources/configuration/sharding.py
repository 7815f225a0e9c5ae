"""How a route's merchants are divided among ConfigMaps and Secrets: none, one or two digits of the hash of an id.

A digit more makes sixteen times the objects, and another pod template. So a route begins with one object of each kind,
and gets more only when what it holds comes near to an object's 1 MiB; fewer, when its pods are replaced anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from merchantroute_operator import naming
from merchantroute_operator.resources.metadata import Live, canonical

MOST_DIGITS = 2
OBJECT = 1 << 20  # bytes of all values of a ConfigMap or Secret, by the API server's validation
HOLDS = OBJECT - 128 * 1024  # bytes of a shard, beside the index of 256 of them and what holds for every merchant
GROW_ABOVE = OBJECT // 2
"""Bytes of the largest shard: what is added until all pods mount more shards finds room beside it."""
SHRINK_BELOW = OBJECT // 4
"""Bytes of the largest of fewer shards: as much again may come before there must be more."""

CONFIG_VOLUME, CREDENTIALS_VOLUME = "merchantroute-config", "merchantroute-credentials"

Value = TypeVar("Value")


class Sharding(NamedTuple):
    """How many hex digits name a shard of the configuration, and one of the credentials."""

    config: int
    credentials: int


class Bounds(NamedTuple):
    """The fewest digits of each kind: with which objects can be stored, should be mounted, and have room to spare."""

    possible: Sharding
    least: Sharding
    roomy: Sharding


ONE_PAIR = Sharding(0, 0)


def divide(entries: Mapping[str, Value], digits: int) -> dict[str, dict[str, Value]]:
    """Merchants' entries by shard; all shards, also those without a merchant."""
    divided: dict[str, dict[str, Value]] = {shard: {} for shard in naming.shards(digits)}
    for merchant, entry in entries.items():
        divided[naming.shard(merchant, digits)][merchant] = entry
    return divided


def file_name(what: str, shard: str) -> str:
    """The file of a shard. Workers take a route's files by their beginning, ``merchants-``, for a list of merchants."""
    return f"{what}-{shard or 'all'}.json"


def bounds(config: Mapping[str, Any], credentials: Mapping[str, Any]) -> Bounds:
    """What these entries of all merchants ask for; both are as the files hold them."""
    largest = [_largest(entries) for entries in (config, credentials)]
    limits = (HOLDS, GROW_ABOVE, SHRINK_BELOW)
    return Bounds(*(Sharding(*(_fewest(sizes, limit) for sizes in largest)) for limit in limits))


def _largest(entries: Mapping[str, Any]) -> list[int]:
    """Bytes of the largest shard by the number of digits; no further than to where there is room to spare."""
    sizes: list[int] = []
    for digits in range(MOST_DIGITS):
        shards = divide(entries, digits) if digits else {"": entries}
        sizes.append(max(len(canonical(shard).encode()) for shard in shards.values()))
        if sizes[-1] <= SHRINK_BELOW:
            break
    return sizes


def _fewest(sizes: Iterable[int], limit: int) -> int:
    return next((digits for digits, size in enumerate(sizes) if size <= limit), MOST_DIGITS)


def target(needs: Bounds, mounted: Iterable[Sharding]) -> Sharding:
    """What pods that are made anew should mount; ``mounted`` is what the route's Deployments do now."""
    most = Sharding(*map(max, zip(*mounted, strict=True))) if (mounted := tuple(mounted)) else needs.roomy
    return Sharding(*(
        present if least <= present <= roomy else roomy
        for present, least, roomy in zip(most, needs.least, needs.roomy, strict=True)
    ))  # fmt: skip


def suffices(mounted: Sharding, needs: Bounds) -> bool:
    """Whether all that pods need fits into what they mount."""
    return mounted.config >= needs.least.config and mounted.credentials >= needs.least.credentials


def mounted_by(route: str, pod: Live) -> Sharding | None:
    """What a pod, or a pod template, mounts; None if it mounts no configuration of the route."""
    maps, secrets = _sources(pod, CONFIG_VOLUME, "configMap"), _sources(pod, CREDENTIALS_VOLUME, "secret")
    firsts = [(digits, "0" * digits) for digits in range(MOST_DIGITS + 1)]
    config = next((digits for digits, first in firsts if naming.config_map(route, first) in maps), None)
    credentials = next((digits for digits, first in firsts if naming.credentials_secret(route, first) in secrets), None)
    return None if config is None or credentials is None else Sharding(config, credentials)


def _sources(pod: Live, volume: str, kind: str) -> set[str]:
    """The names of a projected volume's objects."""
    found = (each for each in pod.get("spec", {}).get("volumes") or () if each["name"] == volume)
    sources = [source for each in found for source in each.get("projected", {}).get("sources") or ()]
    return {source[kind]["name"] for source in sources if kind in source}
