"""Ready: the sum. True only if orders of every merchant have a way to pods that can work them."""

from __future__ import annotations

from merchantroute_operator.status.queues_ready import queues_ready
from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.text import some
from merchantroute_operator.status.view import Condition, View
from merchantroute_operator.status.workers_available import workers_available

TYPE = "Ready"


def ready(view: View) -> Condition:
    """The first thing in the way, in the words of the condition that knows it."""
    if view.ending:
        return Condition(TYPE, "False", Reason.ENDING, view.ending)
    if view.error is not None and view.error.patience and view.reporting:
        words = f"Orders flow, as the pods report; the operator cannot look after the route: {view.error}"
        return Condition(TYPE, "True", Reason.UNATTENDED, words)
    if view.error is not None:
        return Condition(TYPE, "False", view.error.reason, str(view.error))
    for condition in (queues_ready(view), workers_available(view)):
        if condition.status != "True":
            return Condition(TYPE, "False", condition.reason, condition.message)
    if not view.door_open:
        return Condition(TYPE, "False", Reason.DOOR_CLOSED, "The front door is not open yet")
    if view.unfit:
        message = some((f"{where}: {why}" for where, why in sorted(view.unfit.items())), "; ")
        return Condition(TYPE, "False", Reason.MERCHANTS_UNFIT, message)
    if view.credential_problems:
        problems = (f"merchant {merchant}: {why}" for merchant, why in sorted(view.credential_problems.items()))
        return Condition(TYPE, "False", Reason.CREDENTIALS_UNUSABLE, some(problems, "; "))
    if view.unbound:
        message = f"{view.unbound} merchants wait until every ready pod knows them"
        return Condition(TYPE, "False", Reason.BINDING, message)
    return Condition(TYPE, "True", Reason.AS_WANTED, "Orders flow")
