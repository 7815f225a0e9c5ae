"""ScalingActive: whether every lane's number of pods follows its orders."""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.scaling import scale_reasons as scaling
from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.text import some
from merchantroute_operator.status.view import Condition, LaneView, View

TYPE = "ScalingActive"


def scaling_active(view: View) -> Condition:
    """False where a lane is paused or its figures are missing; Unknown before the scaler's first tick."""
    decided = {_name(lane): lane.decision.reason for lane in view.lanes if lane.decision is not None}
    if not decided:
        return Condition(TYPE, "Unknown", Reason.NOT_CHECKED, "The scaler has not seen the route's queues yet")
    if view.uncounted.words:
        what = "keeps its pods, and has one at least" if view.uncounted.queues else "grows with what waits, and stays"
        message = f"Every lane {what}: {view.uncounted.words}"
        return Condition(TYPE, "False", Reason.STATISTICS_OFF, message)
    if stale := [tier for tier, reason in decided.items() if reason == scaling.FIGURES_STALE]:
        message = f"The figures of the queues are missing or stale; held: {some(stale)}"
        return Condition(TYPE, "False", Reason.FIGURES_STALE, message)
    if view.paused:
        return Condition(TYPE, "False", Reason.SCALING_PAUSED, "The route is paused")
    if foreign := [tier for tier, reason in decided.items() if reason == scaling.FOREIGN_SCALER]:
        message = f"Left to the autoscaler that Drifted names: {some(foreign)}"
        return Condition(TYPE, "False", Reason.FOREIGN_SCALER, message)
    if paused := [tier for tier, reason in decided.items() if reason == scaling.PAUSED]:
        return Condition(TYPE, "False", Reason.SCALING_PAUSED, f"Paused by scaling.paused: {some(paused)}")
    return Condition(TYPE, "True", Reason.SCALING, "Every lane's number of pods follows its orders")


def _name(lane: LaneView) -> str:
    return f"{lane.tier} (canary)" if lane.lane == naming.CANARY else lane.tier
