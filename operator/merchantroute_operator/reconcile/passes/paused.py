"""A pass over a paused route: what a pass would do is found out by one whose ports write nothing.

So nothing that a pass looks at is forgotten here, and what it would change can be told. Only the status is written.
"""

from __future__ import annotations

from dataclasses import replace

from merchantroute_operator.reconcile.passes.active import keep
from merchantroute_operator.reconcile.passes.drift import survey
from merchantroute_operator.reconcile.ports.dry_run import dry_brokers, dry_kube
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.reconcile.state.gate import Gate
from merchantroute_operator.reconcile.state.route_state import RouteState
from merchantroute_operator.resources.configuration.config_maps import previous_index
from merchantroute_operator.spec.route import Route


async def look(ctx: Context, route: Route, state: RouteState, findings: Findings) -> float:
    """One look; the seconds until the next. Raises as ``keep`` does; ``findings`` hold what it came to."""
    left: list[str] = []
    dry = replace(ctx, kube=dry_kube(ctx.kube, left), brokers=dry_brokers(ctx.brokers, left))
    # A pass counts up what it has written; a copy keeps that from the memory, since nothing was.
    try:
        await keep(dry, route, replace(state), findings)
        await survey(ctx, route, state, findings)
    finally:
        findings.pending = tuple(dict.fromkeys(left))
        findings.generation = int(previous_index(route, findings.children.config_maps).get("generation", 0))
        if findings.generation != state.generation:
            findings.gate = Gate()  # of a configuration that does not exist
        findings.retiring = ()
    ends = findings.pause.ends_in(ctx.wall())
    return ctx.resync if ends is None else min(ctx.resync, ends)
