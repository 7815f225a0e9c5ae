"""Checks the part of a pod's spec that a route lays over its pods: what would undo what keeps orders safe is refused.

Everything else is the user's, and judged by the API server (a dry run) and the cluster's policies.
"""

from __future__ import annotations

from math import ceil

from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.route import Raw

WORKER = "worker"  # the container that takes orders
PORT = 9090
GRACE_STEP = 30  # seconds; so that a small change of the deadline replaces no pod
# Fields that the route has by themselves: said in two places, one of them would be passed over.
_ELSEWHERE = frozenset(
    [
        "affinity",
        "imagePullSecrets",
        "nodeSelector",
        "priorityClassName",
        "serviceAccountName",
        "tolerations",
        "volumes",
    ]
)
_WORKER_ELSEWHERE = frozenset(["args", "command", "env", "envFrom", "image", "resources", "volumeMounts"])
_WORKER_FREE = frozenset(
    [
        "imagePullPolicy",
        "lifecycle",
        "name",
        "ports",
        "resizePolicy",
        "securityContext",
        "startupProbe",
        "volumeDevices",
    ]
)
_PROBES = frozenset(("livenessProbe", "readinessProbe"))


def grace(deadline: float) -> int:
    """Seconds of grace between SIGTERM and SIGKILL: a warm shutdown may start one more batch of orders."""
    return ceil((2 * deadline + 10) / GRACE_STEP) * GRACE_STEP


def check_pod_template(spec: Raw, where: str, *, deadline: float, command: bool) -> None:
    """Raise ``SpecInvalid`` for what ``spec``, a part of a pod's spec, may not say; ``where`` names its parent.

    ``deadline`` (seconds) is an order's, ``command`` whether the container runs a command of the route's own.
    """
    at = f"{where}.podTemplate.spec"
    for name in sorted(spec.keys() & _ELSEWHERE):
        raise SpecInvalid(f"{at}.{name}: it is a field of the route already; write it as spec.worker.{name}")
    least, given = grace(deadline), spec.get("terminationGracePeriodSeconds")
    if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < least):
        raise SpecInvalid(
            f"{at}.terminationGracePeriodSeconds: {given} would kill pods with orders in hand; write at least {least}, "
            "twice spec.orders.deadline and some, or leave it out"
        )
    for container in spec.get("initContainers", ()):
        if container.get("name") == WORKER:
            raise SpecInvalid(f"{at}.initContainers: {WORKER} is the operator's container; choose another name")
    for container in spec.get("containers", ()):
        if container.get("name") == WORKER:
            _check_fields(container, where, f"{at}.containers[{WORKER}]", command=command)
            _check_pre_stop(container, f"{at}.containers[{WORKER}]", deadline, least if given is None else given)


def _check_pre_stop(container: Raw, at: str, deadline: float, total: int) -> None:
    """``total`` seconds are the pod's grace, of which Kubernetes takes what the hook sleeps."""
    stop = container.get("lifecycle", {}).get("preStop", {})
    if not stop:
        return
    slept = stop.get("sleep", {}).get("seconds", 0)
    if stop.keys() != {"sleep"} or slept < 1:
        raise SpecInvalid(
            f"{at}.lifecycle.preStop: the worker begins its warm shutdown at SIGTERM, and must have been up for "
            "a second by then; write sleep with seconds of 1 or more, or leave it out"
        )
    if (needed := ceil(2 * deadline + 9 + slept)) > total:
        raise SpecInvalid(
            f"{at}.lifecycle.preStop.sleep.seconds: {slept} s of the grace's {total} leave too little to work off the "
            f"orders in hand; write terminationGracePeriodSeconds of at least {needed}, or sleep less"
        )


def _check_fields(container: Raw, where: str, at: str, *, command: bool) -> None:
    free = _WORKER_FREE | (_PROBES if command else frozenset())
    for name in sorted(container.keys() - free):
        if name in _WORKER_ELSEWHERE:
            raise SpecInvalid(f"{at}.{name}: write {where}.{'command' if name == 'args' else name} instead")
        if name in _PROBES:
            raise SpecInvalid(
                f"{at}.{name}: by the launcher's own probe Kubernetes knows a pod that consumes; leave it out (only a "
                "pod with a command of its own has none, and may have yours)"
            )
        raise SpecInvalid(f"{at}.{name}: is the operator's; write one of {', '.join(sorted(free - {'name'}))}")
    for port in container.get("ports", ()):
        if port.get("containerPort") == PORT or port.get("name") == "http":
            raise SpecInvalid(f"{at}.ports: port {PORT} and the name http are the operator's; choose others")
