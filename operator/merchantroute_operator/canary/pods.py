"""Whether a canary lacks a ready pod by its own doing: its program ran, and ended or does not become ready.

A pod that waits for a node or pulls its image says nothing of the canary's code; nor does one that does not become
ready while none of the stable lane's does, since both need the same broker.
"""

from __future__ import annotations

from collections.abc import Iterable

from merchantroute_operator.spec.route import Raw
from merchantroute_operator.status import faults
from merchantroute_operator.status.reasons import Reason

_OWN = frozenset({Reason.CRASH_LOOP, Reason.POD_CONFIG})


def fails_by_itself(canary_pods: Iterable[Raw], stable: Raw) -> bool:
    """``stable`` is the stable lane's Deployment, ``{}`` where there is none."""
    wanted, ready = stable.get("spec", {}).get("replicas", 1), stable.get("status", {}).get("readyReplicas", 0)
    if stable and wanted and not ready:
        return False
    return any(_failed(pod) for pod in canary_pods if "deletionTimestamp" not in pod["metadata"])


def _failed(pod: Raw) -> bool:
    fault = faults.of_pod(pod)
    if fault is not None:
        return fault.reason in _OWN
    containers = pod.get("status", {}).get("containerStatuses") or ()
    runs = bool(containers) and all("running" in each.get("state", {}) for each in containers)
    return (runs and not faults.is_ready(pod)) or any("terminated" in each.get("state", {}) for each in containers)
