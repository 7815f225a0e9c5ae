"""Paused: whether the route, or the scaling of a tier, is paused."""

from __future__ import annotations

from merchantroute_operator.spec.sections.pause import as_time
from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.text import some
from merchantroute_operator.status.view import Condition, View

TYPE = "Paused"
_STILL = "nothing is changed in the broker or in Kubernetes, and no lane is scaled"


def paused(view: View) -> Condition:
    """True while the route is paused, or any tier has ``scaling.paused``; an annotation that is no time is said."""
    pause, also = view.pause, f"; {view.pause.problem}" if view.pause.problem else ""
    if view.paused and pause.spec:
        return Condition(TYPE, "True", Reason.ROUTE_PAUSED, f"spec.paused is set: {_STILL}{also}")
    if view.paused and pause.until is not None:
        return Condition(TYPE, "True", Reason.PAUSED_UNTIL, f"Until {as_time(pause.until)} {_STILL}")
    if view.route is None:
        return Condition(TYPE, "Unknown", Reason.NOT_CHECKED, "The spec could not be read; Ready says why")
    tiers = [tier.name for tier in view.route.tiers if tier.scaling.paused]
    if tiers:
        return Condition(TYPE, "True", Reason.PAUSED, f"scaling.paused is set for {some(tiers)}{also}")
    if pause.problem:
        return Condition(TYPE, "False", Reason.PAUSE_INVALID, f"Not paused: {pause.problem}")
    return Condition(TYPE, "False", Reason.NOT_PAUSED, "Neither the route nor a tier is paused")
