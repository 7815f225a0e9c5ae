"""Progressing: whether something is on its way from what is to what should be."""

from __future__ import annotations

from collections.abc import Callable

from merchantroute_operator import naming
from merchantroute_operator.spec.route import Raw
from merchantroute_operator.status import faults
from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.suspect import is_suspect
from merchantroute_operator.status.text import some
from merchantroute_operator.status.view import Condition, View

TYPE = "Progressing"


def progressing(view: View) -> Condition:
    """True while pods are replaced, merchants wait, queues retire or the route ends; False when done or stuck."""
    if view.ending:
        return Condition(TYPE, "True", Reason.ENDING, view.ending)
    if (error := view.error or view.beside) is not None:
        return Condition(TYPE, "False", Reason.BLOCKED, str(error))
    if view.paused and view.pending:
        return Condition(TYPE, "False", Reason.HELD, f"The route is paused; {len(view.pending)} things differ")
    if stuck := _tiers(view, faults.is_stuck):
        return Condition(TYPE, "False", Reason.ROLLOUT_STUCK, f"New pods do not become ready: {some(stuck)}")
    if not view.queues_ready or not view.door_open:
        return Condition(TYPE, "True", Reason.DOOR_CLOSED, "The route's queues are being made")
    if rolling := _tiers(view, _is_rolling):
        return Condition(TYPE, "True", Reason.ROLLING_OUT, f"Pods are being replaced: {some(rolling)}")
    if view.unbound:
        return Condition(
            TYPE, "True", Reason.BINDING, f"{view.unbound} merchants wait until every ready pod knows them"
        )
    if starting := [each["tier"] for each in view.canaries or () if each["phase"] == "Starting"]:
        message = f"The canary has no ready pod yet: {some(starting)}"
        return Condition(TYPE, "True", Reason.CANARY_STARTING, message)
    if view.retiring:
        unproven = f"; nothing proves it: {view.uncounted.words}" if view.uncounted.queues else ""
        moving = "".join(f"; {words}" for words in view.moving)
        return Condition(TYPE, "True", Reason.RETIRING, f"Waiting to be empty: {some(view.retiring)}{unproven}{moving}")
    return Condition(TYPE, "False", Reason.AS_WANTED, "Nothing is left to do")


def _tiers(view: View, test: Callable[[Raw], bool]) -> list[str]:
    """The tiers of which this is true; the suspect lane's one pod comes and goes, and may never become ready."""
    return [
        deployment["metadata"]["labels"].get(naming.LABEL_TIER, name)
        for name, deployment in view.deployments.items()
        if test(deployment) and not is_suspect(deployment)
    ]


def _is_rolling(deployment: Raw) -> bool:
    """Whether the controller has not seen the newest template, or has not replaced every pod by it.

    A lane that has ready pods of the newest one and gets more of them is scaled, and not rolled out.
    """
    status, spec = deployment.get("status", {}), deployment.get("spec", {})
    behind = status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0)
    total, updated = status.get("replicas", 0), status.get("updatedReplicas", 0)
    starting = not status.get("readyReplicas", 0) and updated < spec.get("replicas", 0)
    return behind or starting or updated < total
