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
from merchantroute_operator.spec.route import Route, Tier
from merchantroute_operator.status.assemble import status
from merchantroute_operator.status.damping import Damping, between
from merchantroute_operator.status.lanes import lanes as lane_figures
from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.view import LaneView, View

SUSPECT_EVENT = "SuspectLane"
WORTH_A_WARNING = {
    "Drifted": "True",
    "CredentialsAccepted": "False",
    "AddressesAllowed": "False",
    "LaneUsersReady": "False",
    "WorkersAvailable": "True",
    "Stalled": "True",
}
"""Conditions that come to this answer, or to another reason for it, beside what Ready says."""
WAKING = 60.0  # seconds for a node, an image, and a start
REPORTED_WITHIN = 10.0  # seconds: five pulses
PASSING = frozenset({Reason.STARTING, Reason.DOOR_CLOSED, Reason.BINDING, Reason.QUEUES_MISSING, Reason.ENDING})


async def update_status(ctx: Context, state: RouteState, findings: Findings) -> None:
    """Write the status if it differs from what was last written or read."""
    old = state.status.written if state.status.written is not None else findings.raw.get("status", {})
    now = datetime.fromtimestamp(ctx.wall(), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    state.status.written_at = ctx.monotonic()
    wait = between(findings.listed)
    may_move = state.status.written_at - state.status.figures_at >= wait
    view = _view(ctx, state, findings)
    still = state.status.standing.take_in(lane_figures(view), view.dead, view.own_waiting, state.status.written_at)
    if status(view, old, now, Damping(may_move, still)) == old:
        state.status.told = old
        return
    new = status(view, old, now)
    version = await ctx.kube.write_status(findings.raw, new)
    metadata = findings.raw["metadata"]
    findings.raw = {**findings.raw, "metadata": {**metadata, "resourceVersion": version or metadata["resourceVersion"]}}
    state.status.written = state.status.told = new
    if any(new.get(part) != old.get(part) for part in ("lanes", "totals", "ownQueues")):
        state.status.figures_at = state.status.written_at
    await _report(ctx, findings, old, new)


async def _report(ctx: Context, findings: Findings, old: Object, new: Object) -> None:
    """One event for each thing that the new status says and the old one did not."""
    before, ready = _condition(old, "Ready"), _condition(new, "Ready")
    if (before.get("status"), before.get("reason")) != (ready["status"], ready["reason"]):
        bad = ready["status"] != "True" and ready["reason"] not in PASSING
        await ctx.kube.event(findings.raw, "Warning" if bad else "Normal", ready["reason"], ready["message"])
    for kind, answer in WORTH_A_WARNING.items():
        found = _condition(new, kind)
        if found.get("status") != answer or found["reason"] in (ready["reason"], _condition(old, kind).get("reason")):
            continue
        if kind != "WorkersAvailable" or found["reason"] == Reason.SOME_PODS_FAIL:
            await ctx.kube.event(findings.raw, "Warning", found["reason"], found["message"])
    if (trouble := _suspect_trouble(new)) and not _suspect_trouble(old):
        await ctx.kube.event(findings.raw, "Warning", SUSPECT_EVENT, trouble)


def is_ready(status_object: Object) -> bool:
    """Whether this status says that orders flow."""
    return bool(_condition(status_object, "Ready").get("status") == "True")


def _condition(status_object: Object, kind: str) -> dict[str, Any]:
    return next((c for c in status_object.get("conditions", ()) if c["type"] == kind), {})


def _suspect_trouble(status_object: Object) -> str:
    """What befalls the suspect lane's pod: no condition speaks of it, since the route works without."""
    said = (lane.get("message", "") for lane in status_object.get("lanes", ()) if lane["lane"] == naming.SUSPECT)
    return next(said, "")


def _view(ctx: Context, state: RouteState, findings: Findings) -> View:
    route = findings.route
    return View(
        generation=findings.raw["metadata"]["generation"],
        route=route,
        error=findings.error,
        beside=findings.beside,
        reporting=_reporting(ctx, state, findings),
        broker=findings.topology.broker if findings.topology.door_open else "",
        uncounted=findings.topology.uncounted,
        queues_ready=findings.topology.queues_ready,
        membership=state.membership,
        door_open=findings.topology.door_open,
        config_generation=findings.configuration.generation,
        deployments={**findings.children.deployments, **state.deployments},
        pods=findings.children.pods,
        waking=_waking(ctx, state),
        lagging=findings.configuration.gate.overdue,
        foreign_fields=findings.foreign.foreign_fields,
        scaled_by=state.scaled_by,
        unbound=findings.topology.unbound,
        retiring=findings.topology.retiring,
        moving=findings.topology.moving,
        conflicts=findings.topology.conflicts,
        merchant_conflicts=findings.merchants.merged.conflicts if findings.merchants.merged else (),
        credential_problems=findings.merchants.credential_problems,
        unfit=findings.merchants.unfit,
        credentials_refused=tuple(sorted(state.credentials_refused)),
        forbidden=tuple(sorted(state.forbidden)),
        foreign_policies={q: policy for lane in state.lanes.values() for q, policy in lane.policies.items()},
        lanes=tuple(_lane(state, spec) for spec in lanes(route)) if route else (),
        dead=state.dead,
        canaries=None if state.canary.progress is None else tuple(to_status(state.canary.progress.values())),
        own_queues=dict(state.own.queues) if state.own.restored else None,
        own_waiting=state.own.waiting_orders(),
        own_refused=state.own.refused,
        without_room=state.own.without_room,
        failing_groups=tuple(sorted(f"{group} (tier {tier})" for tier, group in state.own.memory.groups)),
        isolation_frozen=state.own.frozen or "",
        ending=findings.ending,
        users_checked=findings.users.checked,
        users_problem=findings.users.problem,
        pause=findings.pause.asked,
        paused=findings.pause.holds,
        pending=findings.pause.pending,
    )


def _waking(ctx: Context, state: RouteState) -> frozenset[str]:
    """Deployments without a ready pod that wanted none until ``WAKING`` seconds ago: they are woken, and not broken."""
    now = ctx.monotonic()
    asleep = {name: now for name, live in state.deployments.items() if not live.get("spec", {}).get("replicas", 1)}
    recent = {name: at for name, at in state.status.asleep_at.items() if now - at < WAKING}
    state.status.asleep_at = recent | asleep
    return frozenset(state.status.asleep_at)


def _reporting(ctx: Context, state: RouteState, findings: Findings) -> bool:
    """Whether pods of every tier have just said over AMQP that they work, behind a front door that was seen open."""
    good, route, now = state.good, findings.route, ctx.monotonic()
    if route is None or good is None or not good.topology.door_open:
        return False
    heard = {
        (pulse.tier, pulse.lane)
        for pulse in ctx.pulses.of(route.namespace, route.name)
        if now - pulse.at <= REPORTED_WITHIN
    }
    return all((tier.name, naming.STABLE) in heard for tier in route.tiers if _wants_pods(state, route, tier))


def _wants_pods(state: RouteState, route: Route, tier: Tier) -> bool:
    live = state.deployments.get(naming.deployment(route.name, tier.name, naming.STABLE), {})
    return bool(live.get("spec", {}).get("replicas", 1))


def _lane(state: RouteState, spec: LaneSpec) -> LaneView:
    lane, live = state.lanes.get((spec.tier.name, spec.name), Lane()), state.deployments.get(spec.deployment)
    return LaneView(
        tier=spec.tier.name,
        lane=spec.name,
        queue=spec.queue,
        observation=lane.observation,
        decision=lane.decision,
        retrying=lane.retrying,
        slow=lane.slow,
        paused=lane.paused,
        pods=None if live is None else int(live.get("status", {}).get("replicas", 0)),
        generation=lane.generation or None,
    )
