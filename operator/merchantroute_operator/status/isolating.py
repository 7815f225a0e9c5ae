"""Isolating: whether merchants have queues of their own, and what of that could not be done."""

from __future__ import annotations

from collections.abc import Iterator

from merchantroute_operator.spec.route import Route
from merchantroute_operator.spec.sections.isolation import unknown_groups, unknown_merchants
from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.text import some
from merchantroute_operator.status.view import Condition, View

TYPE = "Isolating"


def isolating(view: View) -> Condition:
    """True while a merchant has an own queue. The reason is the first thing that is in the way, if anything is; the
    message has the sentences of all.
    """
    if view.route is None:
        return Condition(TYPE, "Unknown", Reason.NOT_CHECKED, "The spec could not be read; Ready says why")
    if view.own_queues is None:
        return Condition(TYPE, "Unknown", Reason.NOT_CHECKED, "The pass ended before it came to own queues")
    troubles = tuple(_troubles(view, view.route))
    reason, words = _state(view, view.route)
    sentences = ". ".join((*(trouble for _, trouble in troubles), words))
    return Condition(TYPE, "True" if view.own_queues else "False", troubles[0][0] if troubles else reason, sentences)


def _state(view: View, route: Route) -> tuple[Reason, str]:
    if view.own_queues:
        named = some(f"{queue.merchant} ({queue.why})" for _, queue in sorted(view.own_queues.items()))
        groups = "".join(
            f". {words}: {some(those)}"
            for words, those in (
                ("Held by hand", view.held_groups),
                ("With one share together, since it fails", view.failing_groups),
                ("With one share together, since it was held by hand", view.released_groups),
            )
            if those
        )
        return Reason.MERCHANTS_ISOLATED, f"With a queue of its own: {named}{groups}"
    if route.isolation.mode == "Off":
        return Reason.ISOLATION_OFF, "spec.isolation.mode is Off: no merchant gets a queue of its own"
    if route.isolation.mode == "DryRun":
        return Reason.ISOLATION_OFF, "spec.isolation.mode is DryRun: what would be opened is told in events alone"
    return Reason.NOBODY_ISOLATED, "No merchant has a queue of its own"


def _troubles(view: View, route: Route) -> Iterator[tuple[Reason, str]]:
    if view.isolation_frozen:
        yield Reason.ISOLATION_FROZEN, view.isolation_frozen
    if view.own_refused:
        refused = some((f"{merchant}: {why}" for merchant, why in sorted(view.own_refused.items())), "; ")
        yield Reason.OWN_QUEUES_REFUSED, f"The broker makes no queue of its own for {refused}"
    if view.without_room:
        words = f"{view.without_room} more would have an own queue, and there is no room"
        yield Reason.NO_ROOM, f"{words}: raise spec.isolation.maxOwnQueues, which is {route.isolation.max_own_queues}"
    if route.isolation.problems:
        yield Reason.BY_HAND_INVALID, some(route.isolation.problems, "; ")
    if unknown := unknown_merchants(route):
        words = f"spec.isolation or an annotation names {some(unknown)}, which the route does not know"
        yield Reason.MERCHANTS_UNKNOWN, f"{words}: correct the id, or list the merchant"
    if groups := unknown_groups(route):
        words = f"spec.isolation or an annotation names {some(groups)}, and no merchant of the route is in such a group"
        yield Reason.MERCHANTS_UNKNOWN, f"{words}: correct the name, or write it as group of its merchants"
