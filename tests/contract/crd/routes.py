"""Routes to send to the API server: the smallest valid one, and changes to it by path."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from enum import Enum
from typing import Any

Json = dict[str, Any]


class Removed(Enum):
    """As a value in changes: the field is left out. Its name is the same in every process, as tests' ids must be."""

    REMOVED = "removed"


REMOVED = Removed.REMOVED

BASE: Json = {
    "apiVersion": "merchantroute.dev/v1alpha1",
    "kind": "MerchantRoute",
    "metadata": {"name": "pos"},
    "spec": {
        "broker": {"secretRef": {"name": "rabbitmq"}},
        "worker": {"image": "worker:1"},
        "defaultTier": "standard",
        "tiers": [{"name": "standard"}],
    },
}
MERCHANT: Json = {"id": "burger-hut", "tier": "standard", "endpoint": "https://pos.burger-hut.example/v1"}


def put(document: Any, path: str, value: Any) -> None:
    """Set what ``path`` (``spec.tiers.0.name``) names, making what is missing; a list grows by one at most."""
    here, keys = document, path.split(".")
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        if isinstance(here, list):
            index: Any = int(key)
            if index == len(here):
                here.append(None)
        else:
            index = key.replace("%", ".")
            here.setdefault(index, None)
        if following is None:
            if value is REMOVED:
                del here[index]
            else:
                here[index] = value
        else:
            if here[index] is None:
                here[index] = [] if following.isdigit() else {}
            here = here[index]


def route(changes: Mapping[str, Any] | None = None) -> Json:
    """A valid route with ``changes`` by path; ``%`` stands for a dot within a key."""
    document = copy.deepcopy(BASE)
    if any(path.startswith("spec.merchants.") for path in changes or {}):
        document["spec"]["merchants"] = [copy.deepcopy(MERCHANT)]
    for path, value in (changes or {}).items():
        put(document, path, value)
    return document
