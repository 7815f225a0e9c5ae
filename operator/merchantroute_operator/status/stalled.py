"""Stalled: present while the route cannot become what the spec says before somebody mends something; see kstatus.

Such a condition stands in the status only while it is true. Orders may flow all the same: Ready says so.
"""

from __future__ import annotations

from merchantroute_operator.status.progressing import progressing
from merchantroute_operator.status.ready import ready
from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.view import Condition, View

TYPE = "Stalled"


def stalled(view: View) -> Condition | None:
    """True for an error that does not pass by itself, a rollout that is stuck, credentials that cannot be used."""
    for error in (view.error, view.beside):
        if error is not None and not error.patience:
            return Condition(TYPE, "True", error.reason, str(error))
    for condition, reason in (
        (progressing(view), Reason.ROLLOUT_STUCK),
        (ready(view), Reason.CREDENTIALS_UNUSABLE),
    ):
        if condition.reason == reason:
            return Condition(TYPE, "True", reason, condition.message)
    return None
