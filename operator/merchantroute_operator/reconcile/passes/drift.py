"""Reconciles an active route with drift detection: what others changed is repaired or kept, and reported either way."""

from __future__ import annotations

import logging

from merchantroute_operator.errors import KubeError
from merchantroute_operator.kube.kube_port import Autoscaler
from merchantroute_operator.reconcile.passes.active import reconcile_active
from merchantroute_operator.reconcile.ports.repair_log import with_repair_log
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.reconcile.state.route_state import RouteState
from merchantroute_operator.resources.foreign_fields import foreign_fields
from merchantroute_operator.spec.lane_specs import lanes
from merchantroute_operator.spec.route import Route
from merchantroute_operator.status.text import some

logger = logging.getLogger(__name__)
REPAIRED = "Repaired"


async def reconcile_and_report_repairs(ctx: Context, route: Route, state: RouteState, findings: Findings) -> float:
    """``reconcile_active``; what it repaired becomes one event, also where it raises."""
    repairs: list[str] = []
    watched, kube = with_repair_log(ctx, state.seen, repairs)
    try:
        after = await reconcile_active(watched, route, state, findings)
        kube.settled()
        await find_foreign_changes(ctx, route, state, findings)
        return after
    finally:
        if repairs:
            state.repairs += len(set(repairs))
            await ctx.kube.event(findings.raw, "Warning", REPAIRED, some(dict.fromkeys(repairs), "; "))


async def find_foreign_changes(ctx: Context, route: Route, state: RouteState, findings: Findings) -> None:
    """Find fields that others set in our objects, and other autoscalers of our Deployments; neither is reverted."""
    findings.foreign.foreign_fields = tuple(
        f"{body.get('kind', 'object')} {name}: {words}"
        for objects in findings.children.kept()
        for name, body in sorted(objects.items())
        for words in foreign_fields(body)
    )
    ours = {lane.deployment for lane in lanes(route)}
    try:
        found = await ctx.kube.autoscalers(route.namespace)
    except KubeError as error:
        # A kind that is just being installed answers 429 or 503 for a moment. What was known of it still holds.
        logger.info("autoscalers in %s cannot be read: %s", route.namespace, error)
        return
    state.scaled_by = {each.deployment: _words(each) for each in found if each.deployment in ours}


def _words(found: Autoscaler) -> str:
    return f"{found.kind} {found.name}"
