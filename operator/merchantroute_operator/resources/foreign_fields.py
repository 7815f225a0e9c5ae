"""Finds fields of our children that another field manager set: kept, since they are not ours, and reported.

The API server notes in ``metadata.managedFields`` who set which field (``fieldsV1``: nested maps; ``f:name`` a field,
``k:{"name":"x"}`` an entry of a list, ``v:…`` a value of a set, ``.`` the thing itself).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from merchantroute_operator import naming
from merchantroute_operator.resources.metadata import Live

_OURS = frozenset({naming.MANAGER, naming.SCALER})
_PARTS = ("f:spec", "f:data")
_RESTART = "annotations[kubectl.kubernetes.io/restartedAt]"  # of ``kubectl rollout restart``, which is no drift
_REPLICAS = "spec.replicas"  # the scaler's own: whoever else writes it is overruled, or reported as a scaler
_NAMES = frozenset({"annotations", "labels", "data", "nodeSelector", "limits", "requests"})  # maps, keyed by names


def foreign_fields(live: Live) -> tuple[str, ...]:
    """Sentences such as ``spec.template.spec.containers[worker].env[DEBUG] by kubectl-edit``."""
    entries = live["metadata"].get("managedFields") or ()
    ours = {path for entry in entries if entry.get("manager") in _OURS for path in _paths(entry)}
    found = {
        f"{path} by {entry.get('manager', 'somebody')}"
        for entry in entries
        if entry.get("manager") not in _OURS and entry.get("subresource") != "status"
        for path in _paths(entry)
        if path not in ours and path != _REPLICAS and not path.endswith(_RESTART)
    }
    return tuple(sorted(found))


def _paths(entry: Mapping[str, Any]) -> Iterator[str]:
    fields = entry.get("fieldsV1") or {}
    for part in _PARTS:
        if part in fields:
            yield from _leaves(fields[part], part.removeprefix("f:"))


def _leaves(fields: Mapping[str, Any], path: str) -> Iterator[str]:
    inner = {key: value for key, value in fields.items() if key != "."}
    if not inner or (_is_entry(path) and "." in fields):
        yield path
    else:
        for key, value in inner.items():
            yield from _leaves(value, _joined(path, key))


def _is_entry(path: str) -> bool:
    return path.endswith("]") and not path.endswith("[worker]")


def _joined(path: str, key: str) -> str:
    kind, _, name = key.partition(":")
    if kind == "f":
        return f"{path}[{name}]" if path.rpartition(".")[2] in _NAMES else f"{path}.{name}"
    if kind == "k":
        return f"{path}[{','.join(str(value) for value in json.loads(name).values())}]"
    return f"{path}[{name}]"
