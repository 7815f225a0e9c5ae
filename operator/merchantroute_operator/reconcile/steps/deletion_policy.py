"""The deletion policy in effect now: a pure choice from the spec and what is still possible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def waited_before(asked: float | None, clocks: Iterable[float | None]) -> float:
    """Seconds since a deletion was asked for (``asked``, epoch seconds), by the clock that says the least.

    The end of a wait may delete orders. A clock that was set ahead must not end it, so each of the clocks that tell the
    time (epoch seconds; None: it does not) has to agree. Never negative.
    """
    if asked is None:
        return 0.0
    return max(0.0, min((now - asked for now in clocks if now is not None), default=0.0))


def may_still_end(pod: Mapping[str, Any], *, seen_for: float) -> bool:
    """Whether a pod is worth waiting for that has been seen to end for so many seconds.

    A pod that is there long after its grace period was on a node that is gone, and stays until somebody removes the
    node. One that has ended (evicted, for one) holds nothing.
    """
    if pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return False
    if "deletionTimestamp" not in pod["metadata"]:
        return True
    return seen_for < float(pod["metadata"].get("deletionGracePeriodSeconds", 30)) + POD_PATIENCE
