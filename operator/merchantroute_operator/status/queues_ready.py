"""QueuesReady: whether the broker can carry the route's orders."""

from __future__ import annotations

from merchantroute_operator.errors import BrokerError, SecretInvalid, SecretMissing
from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.text import some
from merchantroute_operator.status.view import Condition, View

TYPE = "QueuesReady"
_ABOUT_THE_BROKER = (BrokerError, SecretMissing, SecretInvalid)


def queues_ready(view: View) -> Condition:
    """True when every exchange, queue and inner binding is there; an error about the broker is quoted."""
    if isinstance(view.error, _ABOUT_THE_BROKER):
        return Condition(TYPE, "False", view.error.reason, str(view.error))
    if view.queues_ready:
        return Condition(TYPE, "True", Reason.AS_WANTED, "Every queue and exchange of the route is there")
    if view.paused and view.pending:
        return Condition(TYPE, "False", Reason.QUEUES_MISSING, f"The route is paused: {some(view.pending, '; ')}")
    if view.error is not None:
        return Condition(TYPE, "Unknown", Reason.NOT_CHECKED, "The pass did not come to the broker; Ready says why")
    if view.ending:
        return Condition(TYPE, "False", Reason.ENDING, view.ending)
    return Condition(TYPE, "False", Reason.QUEUES_MISSING, "The route's queues and exchanges are being made")
