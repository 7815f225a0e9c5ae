"""The workers' configuration: sixteen ConfigMaps from the start, merchants cut by hash, one projected volume.

Nothing of it is in a pod template, so no change of it rolls a pod. The index in ConfigMap 0 holds the sums of all
files; a pod loads only what is whole, so the sixteen writes need no transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from merchantroute_operator import naming
from merchantroute_operator.resources.configuration.config_files import merchants_files, route_file
from merchantroute_operator.resources.metadata import Live, Object, canonical, child, digest
from merchantroute_operator.spec.route import Route

REFRESH_MS = 5 * 60 * 1000
INDEX, ROUTE = "index.json", "route.json"


@dataclass(frozen=True, slots=True)
class ConfigContents:
    """Every file but the index, by name."""

    files: Mapping[str, str]

    def sums(self) -> dict[str, str]:
        """What the index says of them."""
        return {name: digest(text) for name, text in self.files.items()}


def render(route: Route, cluster: str, deaths: Mapping[str, int] = MappingProxyType({})) -> ConfigContents:
    """All that workers need to know of the route; ``cluster`` (the UID of kube-system) names where they report,
    ``deaths`` says when a pod of a tier last died.
    """
    return ConfigContents({ROUTE: route_file(route, cluster, deaths), **merchants_files(route)})


def config_maps(
    route: Route,
    contents: ConfigContents,
    previous: Mapping[str, Live],
    *,
    now_ms: int,
    credentials_generation: int,
    known_generation: int,
    renew: bool = True,
) -> tuple[int, list[Object]]:
    """The configuration's generation, and the ConfigMaps in the order to write them: the one with the index last.

    ``previous`` are the live ConfigMaps by name. The generation rises only when what workers would load differs from
    the previous index, above it and above ``known_generation`` (the highest that the route's status has shown).
    ``renderedAt`` shows when the operator last rendered it: it is renewed every 5 minutes
    while somebody may ask (``renew``), and with each change.
    """
    old = previous_index(route, previous)
    index = {"v": 1, "files": contents.sums(), "credentialsGeneration": credentials_generation}
    if all(old.get(key) == value for key, value in index.items()):
        generation, rendered = int(old["generation"]), int(old["renderedAt"])
        rendered = now_ms if renew and now_ms - rendered > REFRESH_MS else rendered
    else:
        generation, rendered = max(int(old.get("generation", 0)), known_generation) + 1, now_ms
    text = canonical({**index, "generation": generation, "renderedAt": rendered})
    parts = [*naming.SHARDS[1:], naming.SHARDS[0]]
    return generation, [_config_map(route, part, contents, text) for part in parts]


def previous_index(route: Route, previous: Mapping[str, Live]) -> dict[str, Any]:
    """The index that is live now; empty if there is none, or none that can be read."""
    live = previous.get(naming.config_map(route.name, naming.SHARDS[0]), {})
    try:
        index = json.loads((live.get("data") or {})[INDEX])
        return index if isinstance(index["generation"], int) and isinstance(index["renderedAt"], int) else {}
    except (KeyError, TypeError, ValueError):
        return {}


def _config_map(route: Route, part: str, contents: ConfigContents, index: str) -> Object:
    data = {f"merchants-{part}.json": contents.files[f"merchants-{part}.json"]}
    if part == naming.SHARDS[0]:
        data |= {INDEX: index, ROUTE: contents.files[ROUTE]}
    body = child("v1", "ConfigMap", route, naming.config_map(route.name, part), naming.labels(route.name))
    return {**body, "data": data}
