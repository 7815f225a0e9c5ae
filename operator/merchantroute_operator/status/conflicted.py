"""Conflicted: whether a name in the broker, or a merchant, is claimed twice. Nothing is fought over."""

from __future__ import annotations

from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.text import some
from merchantroute_operator.status.view import Condition, View

TYPE = "Conflicted"


def conflicted(view: View) -> Condition:
    """True with one sentence per object, the first few of them."""
    if view.conflicts:
        return Condition(TYPE, "True", Reason.FOREIGN_OBJECTS, some(view.conflicts, "; "))
    if view.merchant_conflicts:
        return Condition(TYPE, "True", Reason.MERCHANTS_CLAIMED_TWICE, some(view.merchant_conflicts, "; "))
    if not view.queues_ready:
        return Condition(TYPE, "Unknown", Reason.NOT_CHECKED, "The broker's objects have not been compared yet")
    return Condition(TYPE, "False", Reason.NO_CONFLICT, "Every broker object of the route is its own")
