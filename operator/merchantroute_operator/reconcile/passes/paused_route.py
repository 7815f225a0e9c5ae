"""Reconciles a paused route as a dry run: over ports that write nothing.

So the status shows what a reconcile would change. Only the status is written.
"""

from __future__ import annotations

from dataclasses import replace

from merchantroute_operator.reconcile.passes.active import reconcile_active
from merchantroute_operator.reconcile.passes.drift import find_foreign_changes
from merchantroute_operator.reconcile.ports.dry_run import dry_run_brokers, dry_run_kube
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.reconcile.state.gate import Gate
from merchantroute_operator.reconcile.state.route_state import RouteState
from merchantroute_operator.resources.configuration.config_maps import previous_index
from merchantroute_operator.spec.route import Route


async def reconcile_paused(ctx: Context, route: Route, state: RouteState, findings: Findings) -> float:
    """One look; the seconds until the next. Raises as ``keep`` does; ``findings`` hold what it came to."""
    left: list[str] = []
    dry = replace(
        ctx, kube=dry_run_kube(ctx.kube, left, state.seen.admitted), brokers=dry_run_brokers(ctx.brokers, left)
    )
    # A pass counts up what it has written; a copy keeps that from the memory, since nothing was.
    try:
        await reconcile_active(dry, route, state.copy(), findings)
        await find_foreign_changes(ctx, route, state, findings)
    finally:
        findings.pause.pending = tuple(dict.fromkeys(left))
        findings.configuration.generation = int(
            previous_index(route, findings.children.config_maps).get("generation", 0)
        )
        if findings.configuration.generation != state.configuration.generation:
            findings.configuration.gate = Gate()  # of a configuration that does not exist
        findings.topology.retiring = ()
    ends = findings.pause.asked.ends_in(ctx.wall())
    return ctx.resync if ends is None else min(ctx.resync, ends)
