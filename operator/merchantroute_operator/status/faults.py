"""Finds what keeps a pod or a Deployment from working, in the words of Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from merchantroute_operator.spec.route import Raw
from merchantroute_operator.status.reasons import Reason

_IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
_LAUNCHER = "merchantroute-worker cannot start: "  # how its last line begins, with what to do
_WORDS = 500  # characters of a container's last words
_CONFIG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why, in one word and in words."""

    reason: Reason
    message: str


def of_pod(pod: Raw) -> Fault | None:
    """The pod's fault, or None; a pod that is being deleted has none that matters."""
    if "deletionTimestamp" in pod["metadata"]:
        return None
    name = pod["metadata"]["name"]
    status = pod.get("status", {})
    return next(
        (Fault(reason, f"pod {name}: {words}") for reason, words in (*_unscheduled(status), *_containers(status))),
        None,
    )


def of_deployment(deployment: Raw) -> Fault | None:
    """What keeps the Deployment from making pods at all (quota, admission)."""
    condition = _condition(deployment.get("status", {}), "ReplicaFailure")
    if condition.get("status") != "True":
        return None
    return Fault(Reason.PODS_REFUSED, f"Deployment {deployment['metadata']['name']}: {condition.get('message', '')}")


def is_stuck(deployment: Raw) -> bool:
    """Whether Kubernetes calls the rollout stuck."""
    condition = _condition(deployment.get("status", {}), "Progressing")
    return condition.get("status") == "False" and condition.get("reason") == "ProgressDeadlineExceeded"


def is_ready(pod: Raw) -> bool:
    """Whether the pod takes orders: ready, and not being deleted."""
    return (
        "deletionTimestamp" not in pod["metadata"]
        and _condition(pod.get("status", {}), "Ready").get("status") == "True"
    )


def _condition(status: Raw, kind: str) -> Mapping[str, Any]:
    return next((c for c in status.get("conditions") or () if c["type"] == kind), {})


def _unscheduled(status: Raw) -> Iterator[tuple[Reason, str]]:
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable":
        yield Reason.UNSCHEDULABLE, scheduled.get("message", "no node takes it")


def _containers(status: Raw) -> Iterator[tuple[Reason, str]]:
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        waiting = container.get("state", {}).get("waiting", {})
        why = waiting.get("reason")
        if why in _IMAGE:
            yield Reason.IMAGE_UNAVAILABLE, f"image {container.get('image')}: {waiting.get('message') or why}"
        elif why in _CONFIG:
            yield Reason.POD_CONFIG, str(waiting.get("message") or why)
        elif why == "CrashLoopBackOff" or _failed_again(container):
            yield Reason.CRASH_LOOP, _last_words(container)


def _failed_again(container: Raw) -> bool:
    """Between two restarts there is a moment without back-off: running, not ready, and failed before."""
    again = container.get("restartCount", 0) >= 2 and not container.get("ready", False)
    return bool(again and _ended(container).get("exitCode"))


def _last_words(container: Raw) -> str:
    ended = _ended(container)
    reason = str(ended.get("reason") or "")
    why = f" ({reason})" if reason not in {"", "Error", "Completed"} else ""  # OOMKilled says more than the log
    code = f"exit code {ended.get('exitCode', 'unknown')}{why}"
    ends = container.get("restartCount", 0) + ("running" not in container.get("state", {}))
    return f"ended {ends} times, {code}: {_last_line(str(ended.get('message') or ''))}"


def _last_line(log: str) -> str:
    """The launcher's own last line, wherever it stands in the log's tail (its log and its last line are two streams).

    Otherwise the log's last line.
    """
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    said = [line for line in lines if line.startswith(_LAUNCHER)]
    return said[-1][:_WORDS] if said else (lines or ["no message"])[-1][-_WORDS:]


def _ended(container: Raw) -> Mapping[str, Any]:
    return container.get("state", {}).get("terminated") or container.get("lastState", {}).get("terminated") or {}
