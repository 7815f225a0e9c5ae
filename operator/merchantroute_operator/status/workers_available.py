"""WorkersAvailable: whether every tier's lane that needs pods has one that works.

The suspect lane does not count: its pods are there to be killed, and orders of every merchant find their way without.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from merchantroute_operator import naming
from merchantroute_operator.canary.progress import Phase
from merchantroute_operator.errors import KubeError
from merchantroute_operator.spec.route import Raw, Route
from merchantroute_operator.status import faults
from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.text import some
from merchantroute_operator.status.view import Condition, View

TYPE = "WorkersAvailable"


def workers_available(view: View) -> Condition:
    """False for the first of: no Deployment yet, a lane without a ready pod (and why), pods that lag.

    A pod that cannot work beside others that do is told, and stops no order.
    """
    if isinstance(view.error, KubeError):
        return Condition(TYPE, "Unknown" if view.error.patience else "False", view.error.reason, str(view.error))
    if view.route is None:
        return Condition(TYPE, "Unknown", Reason.NOT_CHECKED, "The pass did not come to the pods; Ready says why")
    lanes = dict(_lanes(view.route, view.canaries or ()))
    if missing := [tier for tier, name in lanes.items() if name not in view.deployments]:
        reason = Reason.STARTING if view.queues_ready else Reason.WAITING_FOR_QUEUES
        return Condition(TYPE, "False", reason, f"No Deployment yet for {some(missing)}")
    counts = {tier: _counts(view.deployments[name]) for tier, name in lanes.items()}
    idle = {tier: f"{tier} (0 of {wanted})" for tier, (ready, wanted) in counts.items() if wanted and not ready}
    of_idle = (fault for tier, name in lanes.items() if tier in idle for fault in _faults(view, {name}))
    if fault := next(of_idle, None):
        return Condition(TYPE, "False", fault.reason, fault.message)
    if waiting := [words for tier, words in idle.items() if lanes[tier] not in view.waking]:
        return Condition(TYPE, "False", Reason.STARTING, f"No ready pod yet: {some(waiting)}")
    if view.lagging:
        return Condition(TYPE, "False", Reason.PODS_LAG, f"Without the newest configuration: {some(view.lagging)}")
    ready, wanted = sum(ready for ready, _ in counts.values()), sum(wanted for _, wanted in counts.values())
    words = f"{ready} of {wanted} pods ready{_unknown(view, counts)}"
    if fault := next(_faults(view, set(lanes.values())), None):
        reason = Reason.SOME_PODS_WAIT if fault.reason is Reason.UNSCHEDULABLE else Reason.SOME_PODS_FAIL
        return Condition(TYPE, "True", reason, f"{words}; {fault.message}")
    reason = Reason.WAKING if idle else Reason.AS_WANTED if wanted else Reason.SCALED_TO_ZERO
    return Condition(TYPE, "True", reason, words)


def _lanes(route: Route, canaries: Collection[Raw]) -> Iterator[tuple[str, str]]:
    """A canary counts while it gets orders: until its first ready pod all of them go to the stable lane."""
    starting = {each["tier"] for each in canaries if each["phase"] == Phase.STARTING}
    for tier in route.tiers:
        yield tier.name, naming.deployment(route.name, tier.name, naming.STABLE)
        if tier.canary is not None and tier.name not in starting:
            yield f"{tier.name} (canary)", naming.deployment(route.name, tier.name, naming.CANARY)


def _unknown(view: View, counts: Mapping[str, tuple[int, int]]) -> str:
    """Of lanes with a command of their own whose pods do not report: Kubernetes calls them ready as they start."""
    reporting = {lane.tier for lane in view.lanes if lane.generation}
    own = [tier.name for tier in view.route.tiers if tier.pod.command] if view.route else []
    silent = [name for name in own if name not in reporting and counts[name][1]]
    what = "with a command of their own that reports nothing, whether they consume and what they have loaded"
    return f". Not known of {some(silent)}, {what}" if silent else ""


def _counts(deployment: Raw) -> tuple[int, int]:
    """Ready and wanted pods. The API server leaves out what is 0."""
    return deployment.get("status", {}).get("readyReplicas", 0), deployment.get("spec", {}).get("replicas", 0)


def _faults(view: View, deployments: Collection[str]) -> Iterator[faults.Fault]:
    """Those of these Deployments and their pods. Pods first: their words say more than those of what is above them."""
    mine = {name: body for name, body in sorted(view.deployments.items()) if name in deployments}
    lanes = {_lane(body) for body in mine.values()}
    for found in (
        *(faults.of_pod(pod) for _, pod in sorted(view.pods.items()) if _lane(pod) in lanes),
        *map(faults.of_deployment, mine.values()),
    ):
        if found is not None:
            yield found


def _lane(thing: Raw) -> tuple[str | None, str | None]:
    labels = thing["metadata"].get("labels", {})
    return labels.get(naming.LABEL_TIER), labels.get(naming.LABEL_LANE)
