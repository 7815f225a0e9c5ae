"""Lays a part of a pod's spec over the operator's, much as a strategic merge of kubectl does.

Maps are merged. Lists whose entries have a name are merged by it; other lists are replaced whole. Null is no way to
remove a field: `kubectl apply` drops nulls on its way. So the one thing that platforms have to remove, the user and
group, goes as soon as the pod's ``securityContext`` is written at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from merchantroute_operator.resources.metadata import Live, Object

_KEYS = {
    "containers": "name",
    "env": "name",
    "hostAliases": "ip",
    "initContainers": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
}
_IDENTITY = ("runAsUser", "runAsGroup", "fsGroup")


def overlay(spec: Live, over: Live) -> Object:
    """A pod's ``spec`` with ``over`` laid over it. Neither is changed."""
    context = spec.get("securityContext", {})
    if "securityContext" in over:
        context = {name: value for name, value in context.items() if name not in _IDENTITY}
    return _merged({**spec, "securityContext": context}, over)


def _merged(below: Live, above: Live) -> Object:
    return {**below, **{name: _laid(name, below.get(name), value) for name, value in above.items()}}


def _laid(name: str, below: Any, above: Any) -> Any:
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return _merged(below, above)
    if name in _KEYS and isinstance(below, Sequence) and isinstance(above, Sequence):
        return _by_key(_KEYS[name], below, above)
    return above


def _by_key(key: str, below: Sequence[Live], above: Sequence[Live]) -> list[Any]:
    """Those of ``below`` first, in their order."""
    over = {entry.get(key): entry for entry in above}
    first = [_merged(entry, over.pop(entry.get(key), {})) for entry in below]
    return [*first, *over.values()]
