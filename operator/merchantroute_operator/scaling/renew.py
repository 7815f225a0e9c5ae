"""A new pod for a lane whose pod Kubernetes makes wait: scaled to none for one tick, so that its backoff begins anew.

Kubernetes restarts a container that ended at once, then after 10 s, 20 s, 40 s and so on up to 5 minutes, and forgets
that only after ten minutes without an end. In the suspect lane an end is an order's doing: the orders behind it would
wait for the fault of others.
"""

from __future__ import annotations

from dataclasses import replace

from merchantroute_operator.scaling import reasons
from merchantroute_operator.scaling.model import Decision


def renew(decision: Decision) -> Decision:
    """No pod for now; the next tick finds the lane's orders, and wakes it."""
    message = "From 1 to 0 pods: Kubernetes would restart its pod ever later, so the next tick asks for a new one"
    return replace(decision, replicas=0, reason=reasons.RENEWED, message=message)
