"""LaneUsersReady: whether each lane's pods have a broker user of their own, where the route asks for that."""

from __future__ import annotations

from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.view import Condition, View

TYPE = "LaneUsersReady"


def lane_users_ready(view: View) -> Condition | None:
    """False with what to do, while orders flow by the credentials that the route gives; None where nobody asked."""
    if view.users_problem is not None:
        return Condition(TYPE, "False", view.users_problem.reason, str(view.users_problem))
    if view.route is None or not view.route.users_per_lane:
        return None
    if not view.users_checked:
        return Condition(
            TYPE, "Unknown", Reason.NOT_CHECKED, "The pass did not come to the lanes' users; Ready says why"
        )
    return Condition(TYPE, "True", Reason.AS_WANTED, "Each lane's pods have a broker user of their own")
