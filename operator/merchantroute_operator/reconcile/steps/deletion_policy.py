"""The deletion policy in effect now: a pure choice from the spec and what is still possible."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from merchantroute_operator.spec.route import Deletion

Way = Literal["Drain", "Retain", "Force"]
BROKER_PATIENCE = 30.0  # seconds for which a terminating namespace waits for a broker that does not answer

POD_PATIENCE = 30.0  # seconds beyond its grace period for which a pod is waited for


def deletion_policy(deletion: Deletion, *, elapsed: float, terminating: bool) -> Way:
    """The policy in force ``elapsed`` seconds after the deletion was asked for.

    A terminating namespace takes no new pods, so nothing could drain there: its queues stay in the broker. A drain
    that takes too long goes on as ``onTimeout`` says.
    """
    if deletion.policy == "Drain" and terminating:
        return "Retain"
    if deletion.policy == "Drain" and elapsed > deletion.timeout:
        return "Force" if deletion.on_timeout == "Force" else "Retain"
    return deletion.policy  # type: ignore[return-value]


def gives_up_on_broker(deletion: Deletion, *, elapsed: float, terminating: bool) -> bool:
    """Whether a route whose broker does not answer may go without it: a finalizer must end some day."""
    return elapsed > (BROKER_PATIENCE if terminating else deletion.timeout)


def may_still_end(pod: Mapping[str, Any], now: float) -> bool:
    """Whether a pod is worth waiting for at ``now`` (epoch seconds).

    Kubernetes sets ``deletionTimestamp`` to the end of the grace period; a pod that is there long after it was on a
    node that is gone, and stays until somebody removes the node. One that has ended (evicted, for one) holds nothing.
    """
    if pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return False
    end = pod["metadata"].get("deletionTimestamp")
    return end is None or datetime.fromisoformat(end).timestamp() + POD_PATIENCE > now
