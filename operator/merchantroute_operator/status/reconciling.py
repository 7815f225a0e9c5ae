"""Reconciling: present while the operator works on the route, as kstatus (Flux, ``kubectl``-based tools) reads it.

Such a condition stands in the status only while it is true. Source: the README of sigs.k8s.io/cli-utils/pkg/kstatus.
"""

from __future__ import annotations

from merchantroute_operator.status.progressing import progressing
from merchantroute_operator.status.ready import ready
from merchantroute_operator.status.stalled import stalled
from merchantroute_operator.status.view import Condition, View

TYPE = "Reconciling"


def reconciling(view: View) -> Condition | None:
    """True while something is on its way, or is tried again; None once the route is as wanted, paused or stalled."""
    if stalled(view) is not None or (view.paused and not view.ending):
        return None
    if view.error is not None:
        return Condition(TYPE, "True", view.error.reason, str(view.error))
    for condition, answer in ((progressing(view), "True"), (ready(view), "False")):
        if condition.status == answer:
            return Condition(TYPE, "True", condition.reason, condition.message)
    return None
