"""Isolating: whether merchants have a queue of their own because of what they do, or cannot have one."""

from __future__ import annotations

from merchantroute_operator.spec.sections.isolation import unknown_merchants
from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.text import some
from merchantroute_operator.status.view import Condition, View

TYPE = "Isolating"
_BY_CONDUCT = ("Slow", "Refused", "Held")


def isolating(view: View) -> Condition:
    """True while a merchant has an own queue for being slow, for sending too much, or because somebody holds it."""
    if view.route is None:
        return Condition(TYPE, "Unknown", Reason.NOT_CHECKED, "The spec could not be read; Ready says why")
    mode = view.route.isolation.mode
    found = {why: [q.merchant for q in view.own.queues if q.why == why and q.stage != "Closing"] for why in _BY_CONDUCT}
    isolated = ", ".join(f"{why}: {some(sorted(merchants))}" for why, merchants in found.items() if merchants)
    status = "True" if isolated else "False"
    words = "; ".join(each for each in (isolated, *_remarks(view)) if each)
    if view.own.frozen:
        return Condition(TYPE, status, Reason.EGRESS_FAILING, "; ".join((view.own.frozen, *([words] if words else ()))))
    if view.own.without_room:
        full = f"{view.own.without_room} merchants need an own queue beside those that maxOwnQueues allows"
        return Condition(TYPE, status, Reason.OWN_QUEUES_FULL, "; ".join((full, *([words] if words else ()))))
    if view.own.refused:
        return Condition(TYPE, status, Reason.OWN_QUEUES_REFUSED, words)
    if isolated:
        return Condition(TYPE, "True", Reason.MERCHANTS_ISOLATED, words)
    if words:
        return Condition(TYPE, "False", Reason.ISOLATION_INVALID, words)
    if mode != "Automatic":
        reason = Reason.ISOLATION_OFF if mode == "Off" else Reason.ISOLATION_DRY_RUN
        return Condition(TYPE, "False", reason, f"spec.isolation.mode is {mode}: no own queue is opened")
    return Condition(TYPE, "False", Reason.NOBODY_ISOLATED, "No merchant is slow, sends too much, or is held")


def _remarks(view: View) -> list[str]:
    """What was asked for in vain, and what the broker does not make."""
    said = [f"{merchant}: {why}" for merchant, why in sorted(view.own.refused.items())]
    if view.route is None:
        return said
    unknown = unknown_merchants(view.route)
    named = [f"the route has no merchant {some(unknown)}, which isolation names"] if unknown else []
    return [*([some(said, "; ")] if said else []), *view.route.isolation.problems, *named]
