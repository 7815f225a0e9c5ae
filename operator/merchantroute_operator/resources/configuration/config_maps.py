"""The workers' configuration: ConfigMaps that one projected volume shows as one folder.

Nothing of it is in a pod template but the ConfigMaps' names, so no change of it rolls a pod. The index in the first one
holds the sums of all files; a pod loads only what is whole, so the writes need no transaction. While pods of a route
mount different numbers of shards, each number of them is a whole configuration of the same generation.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from merchantroute_operator import naming
from merchantroute_operator.resources.configuration.config_files import merchant_entries, merchants_files, route_file
from merchantroute_operator.resources.configuration.own_file import OWN
from merchantroute_operator.resources.configuration.sharding import MOST_DIGITS, file_name
from merchantroute_operator.resources.metadata import Live, Object, canonical, child, digest
from merchantroute_operator.spec.route import Route

REFRESH_MS = 5 * 60 * 1000
INDEX, ROUTE = "index.json", "route.json"


@dataclass(frozen=True, slots=True)
class ConfigContents:
    """What holds for every merchant, as the text of its file; each merchant's entry by id; and the own queues' file,
    empty where there are none.
    """

    route: str
    merchants: Mapping[str, Mapping[str, Any]]
    own: str = ""

    def files(self, digits: int) -> dict[str, str]:
        """Every file but the index, by name, with the merchants in as many shards as ``digits`` name."""
        own = {OWN: self.own} if self.own else {}
        return {ROUTE: self.route, **own, **merchants_files(self.merchants, digits)}

    def first_shard(self, digits: int) -> int:
        """Bytes of the merchants beside which the own queues' file is."""
        first = naming.shards(digits)[0]
        mine = (merchant for merchant in self.merchants if naming.shard(merchant, digits) == first)
        return len(canonical({"v": 1, "merchants": {merchant: self.merchants[merchant] for merchant in mine}}).encode())

    def digest(self) -> str:
        """Of all but the own queues."""
        return digest(canonical({"route": self.route, "merchants": self.merchants}))


def render(route: Route, cluster: str, deaths: Mapping[str, int] = MappingProxyType({})) -> ConfigContents:
    """All that workers need to know of the route; ``cluster`` (the UID of kube-system) names where they report,
    ``deaths`` says when a pod of a tier last died.
    """
    return ConfigContents(route_file(route, cluster, deaths), merchant_entries(route))


def config_maps(
    route: Route,
    contents: ConfigContents,
    previous: Mapping[str, Live],
    digits: Collection[int],
    *,
    now_ms: int,
    credentials_generation: int,
    known_generation: int,
    renew: bool = True,
) -> tuple[int, list[Object]]:
    """The configuration's generation, and the ConfigMaps in the order to write them: those with an index last.

    ``previous`` are the live ConfigMaps by name; ``digits`` are of each sharding that pods mount. The generation rises
    only when what workers would load differs from the newest index, above it and above ``known_generation`` (the
    highest that the route's status has shown). ``renderedAt`` shows when the operator last rendered it: it is renewed
    every 5 minutes while somebody may ask (``renew``), and with each change.
    """
    files = {each: contents.files(each) for each in digits}
    indexes = {
        each: {"v": 1, "files": _sums(files[each]), "credentialsGeneration": credentials_generation} for each in files
    }
    newest = previous_index(route, previous)
    generation, rendered = int(newest.get("generation", 0)), int(newest.get("renderedAt", 0))
    live = {each: _live_index(route, previous, each) for each in files}
    if (
        generation
        and generation >= known_generation
        and any(_is(indexes[each], live[each], generation) for each in files)
    ):
        rendered = now_ms if renew and now_ms - rendered > REFRESH_MS else rendered
    else:
        generation, rendered = max(generation, known_generation) + 1, now_ms
    bodies: list[Object] = []
    for each, index in indexes.items():
        text = canonical({**index, "generation": generation, "renderedAt": rendered})
        first, *others = naming.shards(each)
        bodies += [_config_map(route, shard, files[each], text) for shard in (*others, first)]
    return generation, bodies


def previous_index(route: Route, previous: Mapping[str, Live]) -> dict[str, Any]:
    """The newest index that is live now; empty if there is none, or none that can be read."""
    found = (_live_index(route, previous, digits) for digits in range(MOST_DIGITS + 1))
    return max(found, key=lambda index: int(index.get("generation", 0)))


def newest_route_file(route: Route, previous: Mapping[str, Live]) -> str:
    """The live text of what holds for every merchant; empty if there is none."""
    return _newest(route, previous, ROUTE)


def newest_own_file(route: Route, previous: Mapping[str, Live]) -> str:
    """The live text of the own queues; empty if there is none."""
    return _newest(route, previous, OWN)


def _newest(route: Route, previous: Mapping[str, Live], name: str) -> str:
    digits = max(range(MOST_DIGITS + 1), key=lambda each: int(_live_index(route, previous, each).get("generation", 0)))
    return str(_data(route, previous, digits).get(name, ""))


def _data(route: Route, previous: Mapping[str, Live], digits: int) -> Mapping[str, Any]:
    live = previous.get(naming.config_map(route.name, naming.shards(digits)[0]), {})
    return live.get("data") or {}


def _live_index(route: Route, previous: Mapping[str, Live], digits: int) -> dict[str, Any]:
    try:
        index = json.loads(_data(route, previous, digits)[INDEX])
        return index if isinstance(index["generation"], int) and isinstance(index["renderedAt"], int) else {}
    except (KeyError, TypeError, ValueError):
        return {}


def _is(index: Mapping[str, Any], live: Mapping[str, Any], generation: int) -> bool:
    return live.get("generation") == generation and all(live.get(key) == value for key, value in index.items())


def _sums(files: Mapping[str, str]) -> dict[str, str]:
    return {name: digest(text) for name, text in files.items()}


def _config_map(route: Route, shard: str, files: Mapping[str, str], index: str) -> Object:
    name = file_name("merchants", shard)
    data = {name: files[name]}
    if not shard.strip("0"):
        data |= {INDEX: index, **{each: files[each] for each in (ROUTE, OWN) if each in files}}
    body = child("v1", "ConfigMap", route, naming.config_map(route.name, shard), naming.labels(route.name))
    return {**body, "data": data}
