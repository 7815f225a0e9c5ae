"""Drifted: whether something that is not the route's acts on its queues."""

from __future__ import annotations

from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.view import Condition, View
from merchantroute_operator.status.words import some

TYPE = "Drifted"


def drifted(view: View) -> Condition:
    """True where a broker policy matches our queues: we set none, and one that limits or expires can drop orders."""
    if view.pending:
        message = f"The route is paused, so that this stays as it is: {some(view.pending, '; ')}"
        return Condition(TYPE, "True", Reason.NOT_REPAIRED, message)
    if not view.foreign_policies:
        return Condition(TYPE, "False", Reason.NO_DRIFT, "No policy of the broker matches the route's queues")
    policies = sorted(set(view.foreign_policies.values()))
    message = (
        f"Policy {some(policies)} matches {some(sorted(view.foreign_policies))}: exclude names that begin with mr."
    )
    return Condition(TYPE, "True", Reason.FOREIGN_POLICY, message)
