"""QueuesReady: whether the broker can carry the route's orders."""

from __future__ import annotations

from merchantroute_operator.errors import BrokerError, SecretInvalid, SecretMissing
from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.text import some
from merchantroute_operator.status.view import Condition, View
from merchantroute_operator.topology.membership import Membership

TYPE = "QueuesReady"
_ABOUT_THE_BROKER = (BrokerError, SecretMissing, SecretInvalid)


def queues_ready(view: View) -> Condition:
    """True when every exchange, queue and inner binding is there; an error about the broker is quoted."""
    if isinstance(view.error, _ABOUT_THE_BROKER):
        return Condition(TYPE, "False", view.error.reason, str(view.error))
    if view.queues_ready:
        if view.membership.lost:
            words = f"No majority of their members is online: {some(view.membership.lost)}"
            return Condition(TYPE, "False", Reason.NO_QUORUM, f"{words}. Bring the broker's nodes back")
        words = f"Every queue and exchange of the route is there{_members(view.membership)}"
        return Condition(TYPE, "True", Reason.AS_WANTED, words)
    if view.paused and view.pending:
        return Condition(TYPE, "False", Reason.QUEUES_MISSING, f"The route is paused: {some(view.pending, '; ')}")
    if view.error is not None:
        return Condition(TYPE, "Unknown", Reason.NOT_CHECKED, "The pass did not come to the broker; Ready says why")
    if view.ending:
        return Condition(TYPE, "False", Reason.ENDING, view.ending)
    return Condition(TYPE, "False", Reason.QUEUES_MISSING, "The route's queues and exchanges are being made")


def _members(found: Membership) -> str:
    """What is to be known of queues that work with fewer members than they should have."""
    words = ""
    if found.degraded:
        words += f". Members are away of {some(found.degraded)}: bring the broker's nodes back"
    if found.short:
        words += (
            f". On fewer than {found.nodes} nodes, and so lost sooner: {some(found.short)}; "
            "run `rabbitmq-queues grow <node> all`"
        )
    return words
