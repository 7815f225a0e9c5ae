"""When a pod of each tier last died: what workers judge by whether an order that came back may have killed a pod.

RabbitMQ counts deliveries that came back, and not why: a broken connection, a restart of the broker and a killed pod
count alike. Only Kubernetes knows which containers ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from merchantroute_operator import naming
from merchantroute_operator.resources.configuration.config_maps import newest_route_file
from merchantroute_operator.resources.metadata import Live
from merchantroute_operator.spec.route import Route

_WORKER = "worker"  # the container's name, see resources/workload/pod.py; a sidecar's end is no worker's
TELL_AGAIN_MS = 5 * 60 * 1000
"""How much later a death must be than the last one told: each change of the configuration reaches every pod. Workers
heed a death for ten minutes, so that one within these five is heeded for five more at least."""


def deaths(route: Route, pods: Mapping[str, Any], told: Mapping[str, int]) -> dict[str, int]:
    """Epoch milliseconds of the last death of each tier that had one. ``told`` are those that workers were told of."""
    found: dict[str, int] = {}
    for tier in (one.name for one in route.tiers):
        last = max((died for pod in pods.values() if _tier(pod) == tier for died in _ends(pod)), default=0)
        before = told.get(tier, 0)
        if died_last := last if last > before + TELL_AGAIN_MS else before:
            found[tier] = died_last
    return found


def told_deaths(route: Route, config_maps: Mapping[str, Live]) -> dict[str, int]:
    """The deaths in the configuration that is live now; none if it cannot be read."""
    try:
        document = json.loads(newest_route_file(route, config_maps))["deaths"]
        return {str(tier): int(died) for tier, died in document.items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def _tier(pod: Mapping[str, Any]) -> str:
    return str(pod["metadata"].get("labels", {}).get(naming.LABEL_TIER, ""))


def _ends(pod: Mapping[str, Any]) -> Iterator[int]:
    """When its worker ended, other than cleanly and because the pod was deleted."""
    deleted = "deletionTimestamp" in pod["metadata"]
    for container in pod.get("status", {}).get("containerStatuses") or ():
        for state in ("state", "lastState"):
            ended = container.get(state, {}).get("terminated") or {}
            if (
                container.get("name") == _WORKER
                and ended.get("finishedAt")
                and not (deleted and ended.get("exitCode") == 0)
            ):
                yield round(datetime.fromisoformat(ended["finishedAt"]).timestamp() * 1000)
