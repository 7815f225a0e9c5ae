"""Paused: whether somebody has told the scaler to leave a tier alone."""

from __future__ import annotations

from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.view import Condition, View
from merchantroute_operator.status.words import some

TYPE = "Paused"


def paused(view: View) -> Condition:
    """True while any tier has ``scaling.paused``."""
    if view.route is None:
        return Condition(TYPE, "Unknown", Reason.NOT_CHECKED, "The spec could not be read; Ready says why")
    tiers = [tier.name for tier in view.route.tiers if tier.scaling.paused]
    if tiers:
        return Condition(TYPE, "True", Reason.PAUSED, f"scaling.paused is set for {some(tiers)}")
    return Condition(TYPE, "False", Reason.NOT_PAUSED, "No tier is paused")
