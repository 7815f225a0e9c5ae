"""Resets a pod's CrashLoopBackOff: scales the lane to none for one tick, so that a new pod starts at once.

Kubernetes restarts a container that ended at once, then after 10 s, 20 s, 40 s and so on up to 5 minutes, and forgets
that only after ten minutes without an end. In the suspect lane an end is an order's doing: the orders behind it would
wait for the fault of others.
"""

from __future__ import annotations

from dataclasses import replace

from merchantroute_operator.scaling import scale_reasons
from merchantroute_operator.scaling.model import Decision


def renew(decision: Decision) -> Decision:
    """No pod for now; the next tick finds the lane's orders, and wakes it."""
    message = "From 1 to 0 pods: Kubernetes would restart its pod ever later, so the next tick asks for a new one"
    return replace(decision, replicas=0, reason=scale_reasons.RENEWED, message=message)
