"""Updates the route's status, only when it differs, with an event when readiness changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from merchantroute_operator import naming
from merchantroute_operator.canary.status_codec import to_status
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.reconcile.state.lane import Lane
from merchantroute_operator.reconcile.state.route_state import RouteState
from merchantroute_operator.spec.lane_specs import LaneSpec, lanes
from merchantroute_operator.status.assemble import status
from merchantroute_operator.status.damping import EVERY
from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.view import LaneView, View

SUSPECT_EVENT = "SuspectLane"
PASSING = frozenset({Reason.STARTING, Reason.DOOR_CLOSED, Reason.BINDING, Reason.QUEUES_MISSING, Reason.ENDING})


async def update_status(ctx: Context, state: RouteState, findings: Findings) -> None:
    """Write the status if it differs from what was last written or read."""
    old = state.status.written if state.status.written is not None else findings.raw.get("status", {})
    now = datetime.fromtimestamp(ctx.wall(), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    state.status.written_at = ctx.monotonic()
    may_move = state.status.written_at - state.status.figures_at >= EVERY
    new = status(_view(state, findings), old, now, figures_may_move=may_move)
    if new == old:
        return
    metadata = findings.raw["metadata"]
    await ctx.kube.write_status(metadata["namespace"], metadata["name"], new)
    state.status.written = new
    if any(new[part] != old.get(part) for part in ("lanes", "totals")):
        state.status.figures_at = state.status.written_at
    await _announce(ctx, findings, _condition(old, "Ready"), _condition(new, "Ready"))
    if (drift := _condition(new, "Drifted"))["status"] == "True" and drift["reason"] != _condition(old, "Drifted").get(
        "reason"
    ):
        await ctx.kube.event(findings.raw, "Warning", drift["reason"], drift["message"])
    refused = _condition(new, "CredentialsAccepted")
    if refused["status"] == "False" and _condition(old, "CredentialsAccepted").get("status") != "False":
        await ctx.kube.event(findings.raw, "Warning", refused["reason"], refused["message"])
    if (trouble := _suspect_trouble(new)) and not _suspect_trouble(old):
        await ctx.kube.event(findings.raw, "Warning", SUSPECT_EVENT, trouble)


async def _announce(ctx: Context, findings: Findings, before: dict[str, Any], after: dict[str, Any]) -> None:
    if (before.get("status"), before.get("reason")) == (after["status"], after["reason"]):
        return
    bad = after["status"] != "True" and after["reason"] not in PASSING
    await ctx.kube.event(findings.raw, "Warning" if bad else "Normal", after["reason"], after["message"])


def _condition(status_object: Object, kind: str) -> dict[str, Any]:
    return next((c for c in status_object.get("conditions", ()) if c["type"] == kind), {})


def _suspect_trouble(status_object: Object) -> str:
    """What befalls the suspect lane's pod: no condition speaks of it, since the route works without."""
    said = (lane.get("message", "") for lane in status_object.get("lanes", ()) if lane["lane"] == naming.SUSPECT)
    return next(said, "")


def _view(state: RouteState, findings: Findings) -> View:
    route = findings.route
    return View(
        generation=findings.raw["metadata"]["generation"],
        route=route,
        error=findings.error,
        queues_ready=findings.topology.queues_ready,
        membership=state.membership,
        door_open=findings.topology.door_open,
        config_generation=findings.configuration.generation,
        deployments={**findings.children.deployments, **state.deployments},
        pods=findings.children.pods,
        lagging=findings.configuration.gate.overdue,
        foreign_fields=findings.foreign.foreign_fields,
        scaled_by=state.scaled_by,
        unbound=findings.topology.unbound,
        retiring=findings.topology.retiring,
        conflicts=findings.topology.conflicts,
        merchant_conflicts=findings.merchants.merged.conflicts if findings.merchants.merged else (),
        credential_problems=findings.merchants.credential_problems,
        credentials_refused=tuple(sorted(state.credentials_refused)),
        foreign_policies={q: policy for lane in state.lanes.values() for q, policy in lane.policies.items()},
        lanes=tuple(_lane(spec, state.lanes.get((spec.tier.name, spec.name), Lane())) for spec in lanes(route))
        if route
        else (),
        dead=state.dead,
        canaries=None if state.canary.progress is None else tuple(to_status(state.canary.progress.values())),
        ending=findings.ending,
        pause=findings.pause.asked,
        paused=findings.pause.holds,
        pending=findings.pause.pending,
    )


def _lane(spec: LaneSpec, lane: Lane) -> LaneView:
    return LaneView(
        tier=spec.tier.name,
        lane=spec.name,
        queue=spec.queue,
        observation=lane.observation,
        decision=lane.decision,
        retrying=lane.retrying,
        slow=lane.slow,
        paused=lane.paused,
        generation=lane.generation or None,
    )
