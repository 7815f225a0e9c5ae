"""Advances each tier's canary in a reconcile, and says between reconciles that one is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from merchantroute_operator import naming
from merchantroute_operator.canary.advance import advance
from merchantroute_operator.canary.pods import fails_by_itself
from merchantroute_operator.canary.progress import Evidence, Phase, Progress, Tally, Verb
from merchantroute_operator.canary.status_codec import from_status, parse_annotation
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.reconcile.state.lane import Lane
from merchantroute_operator.reconcile.state.route_state import Base, RouteState
from merchantroute_operator.spec.route import Canary, Route, Tier

NOTHING = Tally()
IGNORED = "CanaryAnnotationIgnored"


async def advance_canaries(ctx: Context, route: Route, state: RouteState, findings: Findings) -> Route:
    """The route with each canary's share as it is now; a canary that was aborted is none.

    A change is reported by an event with the figures. The annotation goes once its word stands in the status. While
    the route is paused a canary stays as it is.
    """
    recorded = from_status(findings.raw.get("status", {}))
    verb, about = (None, "") if findings.pause.holds else await _asked(ctx, route, findings, recorded)
    deployments = {**findings.children.deployments, **state.deployments}
    progress: dict[str, Progress] = {}
    for tier in route.tiers:
        if tier.canary is None:
            continue
        before = (state.canary.progress or {}).get(tier.name) or recorded.get(tier.name)
        if findings.pause.holds and before is not None:
            progress[tier.name] = before
            continue
        seen = evidence(ctx, state, route, tier, before, deployments)
        after = advance(before, tier.name, tier.canary, seen, verb if tier.name == about else None)
        if after != before:
            bad = after.phase is Phase.ABORTED
            words = f"{tier.name}: {after.message}{'; all orders go to stable' if bad else ''}"
            await ctx.kube.event(findings.raw, "Warning" if bad else "Normal", f"Canary{after.phase}", words)
        progress[tier.name] = after
    state.canary.progress = progress
    findings.aborted = frozenset(name for name, each in progress.items() if each.phase is Phase.ABORTED)
    return replace(route, tiers=tuple(_steered(tier, progress.get(tier.name)) for tier in route.tiers))


def is_due(ctx: Context, state: RouteState, route: Route) -> bool:
    """Whether a pass would take a canary further: asked at each tick, so that a bad one is gone within the next."""
    for tier in route.tiers:
        before = (state.canary.progress or {}).get(tier.name)
        if tier.canary is None or before is None:
            continue
        seen = evidence(ctx, state, route, tier, before, state.deployments)
        if advance(before, tier.name, tier.canary, seen) != before:
            return True
    return False


def evidence(
    ctx: Context,
    state: RouteState,
    route: Route,
    tier: Tier,
    before: Progress | None,
    deployments: dict[str, dict[str, object]],
) -> Evidence:
    """What is known of a canary. A base that is lost with the process starts anew: the step takes longer."""
    stable = state.lanes.get((tier.name, naming.STABLE)) or Lane()
    canary = state.lanes.get((tier.name, naming.CANARY)) or Lane()
    now = ctx.monotonic()
    base = _base(state, tier, before, stable, canary, now)
    live = deployments.get(naming.deployment(route.name, tier.name, naming.CANARY))
    ready, lacking = _readiness(live, tier.canary)
    failing = lacking and _fails_by_itself(state, route, tier, deployments)
    return Evidence(
        now=ctx.wall(),
        in_step=now - base.at,
        ready=ready,
        unready_for=_lasts(state.canary.unready_since, tier.name, now, holds=lacking),
        failing_for=_lasts(state.canary.failing_since, tier.name, now, holds=failing),
        stable=base.carried + (stable.counting.total - base.stable),
        canary=canary.counting.total - base.canary,
        canary_busy=canary.counting.busy,
    )


def _lasts(since: dict[str, float], tier: str, now: float, *, holds: bool) -> float:
    """Seconds for which it has held."""
    if not holds:
        since.pop(tier, None)
        return 0.0
    return now - since.setdefault(tier, now)


def _fails_by_itself(state: RouteState, route: Route, tier: Tier, deployments: Mapping[str, dict[str, object]]) -> bool:
    found = state.findings.children.pods if state.findings is not None else {}
    mine = {naming.LABEL_TIER: tier.name, naming.LABEL_LANE: naming.CANARY}.items()
    pods = [pod for pod in found.values() if mine <= pod["metadata"].get("labels", {}).items()]
    return fails_by_itself(pods, deployments.get(naming.deployment(route.name, tier.name, naming.STABLE), {}))


def _base(state: RouteState, tier: Tier, before: Progress | None, stable: Lane, canary: Lane, now: float) -> Base:
    plan, step, since = (before.plan, before.step, before.since) if before is not None else ("", None, 0.0)
    known = state.canary.bases.get(tier.name)
    if known is None or (known.plan, known.step, known.since) != (plan, step, since):
        if known is not None and known.plan == plan and step:
            of_walk, carried = known.stable, known.carried
        else:
            earlier = before.stable if before is not None else None
            of_walk, carried = stable.counting.total, earlier or NOTHING
        known = state.canary.bases[tier.name] = Base(plan, step, since, now, of_walk, canary.counting.total, carried)
    return known


def _readiness(live: dict[str, object] | None, canary: Canary | None) -> tuple[bool, bool]:
    """(may get orders, should have a ready pod and has none). A lane that may have no pods gets them by its orders."""
    if live is None or canary is None:
        return False, False
    spec, status = live.get("spec") or {}, live.get("status") or {}
    wanted = spec.get("replicas", 1) if isinstance(spec, dict) else 1
    ready = status.get("readyReplicas", 0) if isinstance(status, dict) else 0
    may_sleep = canary.tier.scaling.min_replicas == 0
    return bool(ready) or (may_sleep and not wanted), bool(wanted) and not ready


async def _asked(
    ctx: Context, route: Route, findings: Findings, recorded: dict[str, Progress]
) -> tuple[Verb | None, str]:
    """What the annotation asks for, of which tier; one that was done, or asks for nothing, is taken away."""
    text = (findings.raw["metadata"].get("annotations") or {}).get(naming.ANNOTATION_CANARY)
    if text is None:
        return None, ""
    wish = parse_annotation(text)
    canary = next((t.canary for t in route.tiers if wish and t.name == wish[1]), None)
    if wish is None or canary is None:
        have = ", ".join(tier.name for tier in route.tiers if tier.canary is not None) or "none"
        words = f'"{text}": write abort:<tier> or promote:<tier>, a tier with a canary (now: {have})'
        await ctx.kube.event(findings.raw, "Warning", IGNORED, words)
        await ctx.kube.drop_annotation(findings.raw, naming.ANNOTATION_CANARY)
        return None, ""
    verb, tier = wish
    done = Phase.ABORTED if verb == "abort" else Phase.PROMOTED
    stands = recorded.get(tier)
    if stands is not None and (stands.phase, stands.plan) == (done, canary.plan):
        await ctx.kube.drop_annotation(findings.raw, naming.ANNOTATION_CANARY)
        return None, ""
    return verb, tier


def _steered(tier: Tier, progress: Progress | None) -> Tier:
    if tier.canary is None or progress is None:
        return tier
    if progress.phase is Phase.ABORTED:
        return replace(tier, canary=None)
    return replace(tier, canary=replace(tier.canary, weight=progress.weight))
