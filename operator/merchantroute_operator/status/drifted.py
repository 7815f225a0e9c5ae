"""Drifted: whether something that is not the route's acts on its queues, its Deployments or its configuration."""

from __future__ import annotations

from collections.abc import Iterator

from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.text import some
from merchantroute_operator.status.view import Condition, View

TYPE = "Drifted"


def drifted(view: View) -> Condition:
    """True with the first reason that holds, and the sentences of all. What could be put back is no drift any more."""
    found = tuple(_found(view))
    if not found:
        return Condition(TYPE, "False", Reason.NO_DRIFT, "Nothing but the operator acts on the route's objects")
    return Condition(TYPE, "True", found[0][0], ". ".join(words for _, words in found))


def _found(view: View) -> Iterator[tuple[Reason, str]]:
    if view.pending:
        yield Reason.NOT_REPAIRED, f"The route is paused, so that this stays as it is: {some(view.pending, '; ')}"
    if view.foreign_policies:
        # We set no policy, and one that limits or expires can drop orders.
        policies = some(sorted(set(view.foreign_policies.values())))
        queues = some(sorted(view.foreign_policies))
        yield Reason.FOREIGN_POLICY, f"Policy {policies} matches {queues}: exclude names that begin with mr."
    if view.scaled_by:
        scaled = some(f"{who} scales Deployment {name}" for name, who in sorted(view.scaled_by.items()))
        yield Reason.FOREIGN_SCALER, f"{scaled}: its number of pods is left to it; delete it to have the route scale"
    if view.foreign_fields:
        words = some(view.foreign_fields, "; ")
        yield Reason.FOREIGN_FIELDS, f"Set by others and kept: {words}. Ask for it in the route, or take it away"
