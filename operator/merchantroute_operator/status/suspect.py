"""The suspect lane's pods are expected to crash: their lane reports it, and no condition counts it as a fault."""

from __future__ import annotations

from collections.abc import Mapping

from merchantroute_operator import naming
from merchantroute_operator.spec.route import Raw

RESTARTS = 3  # of one container, after which Kubernetes waits for 40 s and ever longer before the next
EXPECTED = (
    "; an order that kills its pod is expected in this lane, and goes to dead letters once it has killed it twice alone"
)


def is_suspect(thing: Raw) -> bool:
    """Whether a pod or a Deployment is the suspect lane's."""
    return bool(thing["metadata"].get("labels", {}).get(naming.LABEL_LANE) == naming.SUSPECT)


def worn_out(pods: Mapping[str, Raw]) -> str:
    """The suspect lane's pod that holds no order and waits so long that a new one would work sooner; or none, ``""``.

    A container in backoff does not run, so nothing is interrupted when its pod goes.
    """
    return next((name for name, pod in sorted(pods.items()) if is_suspect(pod) and _waits_long(pod)), "")


def _waits_long(pod: Raw) -> bool:
    containers = pod.get("status", {}).get("containerStatuses") or ()
    return "deletionTimestamp" not in pod["metadata"] and any(
        each.get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff"
        and each.get("restartCount", 0) >= RESTARTS
        for each in containers
    )
