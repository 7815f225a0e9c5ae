"""WorkersAvailable: whether every tier's lane has pods that work, and none that cannot.

The suspect lane does not count: its pods are there to be killed, and orders of every merchant find their way without.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from merchantroute_operator import naming
from merchantroute_operator.errors import KubeError
from merchantroute_operator.spec.route import Raw, Route
from merchantroute_operator.status import faults
from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.suspect import is_suspect
from merchantroute_operator.status.text import some
from merchantroute_operator.status.view import Condition, View

TYPE = "WorkersAvailable"


def workers_available(view: View) -> Condition:
    """False for the first of: no Deployment yet, a faulty pod, a lane without a ready pod, pods that lag."""
    if isinstance(view.error, KubeError):
        return Condition(TYPE, "False", view.error.reason, str(view.error))
    if view.route is None:
        return Condition(TYPE, "Unknown", Reason.NOT_CHECKED, "The pass did not come to the pods; Ready says why")
    if fault := next(_faults(view), None):
        return Condition(TYPE, "False", fault.reason, fault.message)
    lanes = dict(_lanes(view.route))
    if missing := [tier for tier, name in lanes.items() if name not in view.deployments]:
        reason = Reason.STARTING if view.queues_ready else Reason.WAITING_FOR_QUEUES
        return Condition(TYPE, "False", reason, f"No Deployment yet for {some(missing)}")
    counts = {tier: _counts(view.deployments[name]) for tier, name in lanes.items()}
    if idle := [f"{tier} (0 of {wanted})" for tier, (ready, wanted) in counts.items() if wanted and not ready]:
        return Condition(TYPE, "False", Reason.STARTING, f"No ready pod yet: {some(idle)}")
    if view.lagging:
        return Condition(TYPE, "False", Reason.PODS_LAG, f"Without the newest configuration: {some(view.lagging)}")
    ready, wanted = sum(ready for ready, _ in counts.values()), sum(wanted for _, wanted in counts.values())
    reason = Reason.AS_WANTED if wanted else Reason.SCALED_TO_ZERO
    return Condition(TYPE, "True", reason, f"{ready} of {wanted} pods ready{_unknown(view, counts)}")


def _lanes(route: Route) -> Iterator[tuple[str, str]]:
    for tier in route.tiers:
        yield tier.name, naming.deployment(route.name, tier.name, naming.STABLE)
        if tier.canary is not None:
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


def _faults(view: View) -> Iterator[faults.Fault]:
    """Pods first: their words say more than those of the Deployment above them."""
    for found in (
        *(faults.of_pod(pod) for _, pod in sorted(view.pods.items()) if not is_suspect(pod)),
        *(faults.of_deployment(each) for _, each in sorted(view.deployments.items()) if not is_suspect(each)),
    ):
        if found is not None:
            yield found
