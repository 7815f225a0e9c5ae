"""Reconciles an active route: queues, configuration, Deployments, inner bindings, front door, in that order.

Before all of it the API server is asked whether it would take the Deployments.

Each step works on what the one before it left, so a pass that stops anywhere leaves every order with a way on; and no
pod starts before its queue is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from merchantroute_operator import naming
from merchantroute_operator.errors import TopologyConflict
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.rabbit.broker_port import Broker
from merchantroute_operator.reconcile.passes.configuring import (
    Fleet,
    bring_to_pods,
    configure,
    fleet_now,
    mounted_secret,
)
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.reconcile.state.gate import assign, bound_in
from merchantroute_operator.reconcile.state.route_state import RouteState
from merchantroute_operator.reconcile.steps.accounts.lane_accounts import (
    drop_unused_lane_users,
    make_lane_users,
    plan_lane_users,
)
from merchantroute_operator.reconcile.steps.auxiliaries import delete_auxiliaries, ensure_auxiliaries
from merchantroute_operator.reconcile.steps.canary import advance_canaries
from merchantroute_operator.reconcile.steps.configuration import delete_superseded
from merchantroute_operator.reconcile.steps.credentials import collect
from merchantroute_operator.reconcile.steps.deployments import (
    check_deployments,
    delete_deployments,
    ensure_deployments,
    lane_of,
)
from merchantroute_operator.reconcile.steps.emptiness import proven_empty, watch_drained
from merchantroute_operator.reconcile.steps.moving import move_orders
from merchantroute_operator.reconcile.steps.open_broker import drop_agreement, open_broker, owner_of_route
from merchantroute_operator.reconcile.steps.own_parts import may_open, without_pods_that_know
from merchantroute_operator.reconcile.steps.own_queue_steps import (
    declare_own_queues,
    led_to,
    own_by_tier,
    settle,
    stranded,
    take_in,
)
from merchantroute_operator.spec.route import Route
from merchantroute_operator.topology.desired import desired
from merchantroute_operator.topology.objects import Topology
from merchantroute_operator.topology.plans.changes import (
    conflicts,
    open_front_door,
    repair,
    retire,
    skeleton,
    unbind_unwanted_splits,
    unfed,
    wiring,
)
from merchantroute_operator.topology.queries import place_of
from merchantroute_operator.topology.splits import altered_splits, choose, in_use, is_undecided

REQUEUE_SOON = 1.0  # seconds until the next reconcile while something is under way
REQUEUE_LATER = 5.0  # seconds until the next reconcile where others have to fix something


async def reconcile_active(ctx: Context, route: Route, state: RouteState, findings: Findings) -> float:
    """One pass; returns the seconds until the next one. Raises ``RouteError``; ``findings`` hold what it came to.

    An error of what orders flow without is in ``findings`` only.
    """
    if state.schedule.failures and state.findings is not None:
        # What failed last time is mostly the broker: the children are not read for as long as it fails.
        findings.children = state.findings.children
        await open_broker(ctx, route, findings)
    findings.children = await ctx.kube.children(route.namespace, route.name)
    ctx.pulses.know((route.namespace, route.name), findings.children.pods)
    broker, secret_version = await open_broker(ctx, route, findings)
    state.broker_secret = route.broker_secret, secret_version
    owner = owner_of_route(ctx, route, findings)
    route = findings.route = state.route = await advance_canaries(ctx, route, state, findings)
    users = await plan_lane_users(ctx, broker, route, findings, own_by_tier(route, state.own))
    replaced = await check_deployments(ctx.kube, users.route, ctx.cluster, findings.children.deployments)
    observed = await _queues(ctx, broker, route, state, owner, findings)
    route = findings.route = state.route = await make_lane_users(ctx, broker, users, findings)
    found, problems = await collect(ctx.kube, route)
    findings.merchants.credential_problems = {
        m: why for m, why in problems.items() if m not in findings.merchants.claimed
    }
    findings.merchants.claim_problems = {m: why for m, why in problems.items() if m in findings.merchants.claimed}
    fleet = fleet_now(ctx, route, findings)
    state.own.close(without_pods_that_know(state.own, fleet.tiers))
    plan = await configure(ctx, route, state, findings, found=found, replaced=replaced, fleet=fleet, observed=observed)
    mounted, unmounted = await mounted_secret(ctx, route, secret_version)
    await bring_to_pods(ctx, route, state, findings, fleet, mounted)
    # Told, and tried again by the next pass: it slows down nothing that comes after.
    findings.beside = await ensure_auxiliaries(ctx.kube, route, findings.children, findings.merchants.claimed)
    findings.error = unmounted
    await ensure_deployments(ctx.kube, route, ctx.cluster, findings.children.deployments, plan.mounts)
    observed = await _bindings(ctx, broker, route, state, findings, fleet, observed, owner)
    state.split_watch.left(in_use(route, observed))
    needed = observed.queues.keys() - findings.topology.drained
    await delete_deployments(ctx.kube, route, findings.children, needed, findings.aborted)
    ways = (*_leftovers(route, findings), *stranded(route, state.own, fleet.tiers))
    await move_orders(ctx, broker, state, findings, ways)
    await delete_auxiliaries(ctx.kube, route, findings.children)
    undeleted = await delete_superseded(ctx.kube, route, findings.children, plan)
    findings.beside = findings.beside or undeleted
    await drop_unused_lane_users(ctx, broker, replace(users, route=route), findings)
    await drop_agreement(ctx, findings)
    if (
        not findings.configuration.gate.open
        or findings.topology.retiring
        or is_undecided(route, observed)
        or _canary_asked(findings)
        or findings.own.awaited
    ):
        return REQUEUE_SOON
    waits = findings.configuration.gate.overdue or findings.own.closing or findings.own.opening
    return REQUEUE_LATER if waits or findings.own.unfinished else ctx.resync


async def _queues(
    ctx: Context, broker: Broker, route: Route, state: RouteState, owner: str, findings: Findings
) -> Topology:
    prefix = naming.front_door(route.namespace, route.name)
    everything = desired(
        route,
        owner,
        {merchant.id: merchant.tier for merchant in route.merchants},
        own={merchant: queue.stage == "Open" for merchant, queue in state.own.queues.items()},
    )
    # Of routes that this process has not seen yet one reading serves all that are as they should be.
    observed = await broker.observe(prefix, everything, ctx.resync if state.seen.topology is None else 0.0)
    weights = {tier: weight for tier, (weight, _) in state.split_watch.splits.items()}
    wrong = state.split_watch.why | altered_splits(route, observed, weights)
    state.repairs += len(wrong)
    for tier, words in wrong.items():
        await ctx.kube.event(findings.raw, "Warning", "Repaired", f"{tier}: {words}: its split is built anew")
    wanted = desired(route, owner, {}, choose(route, observed, state.split_watch.shunned))
    _refuse_conflicts(wanted, observed, owner, findings)
    if first := (*unbind_unwanted_splits(wanted, observed), *repair(wanted, observed)):
        await broker.run(first)
        observed = await broker.observe_after(first, prefix, observed)
    plan = skeleton(wanted, observed)
    if plan:
        await broker.run(plan)
        observed = await broker.observe_after(plan, prefix, observed)
        # The broker takes a declaration of what somebody else has just made, whatever owner mark that has.
        _refuse_conflicts(wanted, observed, owner, findings)
    findings.topology.queues_ready = not skeleton(wanted, observed)
    take_in(route, state.own, observed, owner, ctx.wall())
    return await declare_own_queues(broker, route, state.own, observed, owner) or observed


def _refuse_conflicts(wanted: Topology, observed: Topology, owner: str, findings: Findings) -> None:
    findings.topology.conflicts = conflicts(wanted, observed, owner)
    if findings.topology.conflicts:
        raise TopologyConflict("; ".join(findings.topology.conflicts))


async def _bindings(
    ctx: Context,
    broker: Broker,
    route: Route,
    state: RouteState,
    findings: Findings,
    fleet: Fleet,
    observed: Topology,
    owner: str,
) -> Topology:
    place = (route.namespace, route.name)
    front_door = naming.front_door(*place)
    bound = bound_in(observed, naming.assigned(*place), f"{front_door}.")
    wanted = desired(
        route,
        owner,
        assign(route.merchants, bound, findings.configuration.gate),
        choose(route, observed, state.split_watch.shunned),
        led_to(route, state.own, observed, may_open(state.own, fleet.tiers, ctx.monotonic())),
    )
    changes = (*wiring(wanted, observed), *open_front_door(wanted, observed))
    if changes:
        await broker.run(changes)
        observed = await broker.observe_after(changes, front_door, observed)
        bound = bound_in(observed, naming.assigned(*place), f"{front_door}.")
    findings.topology.bound = bound
    own = (merchant for merchant in route.merchants if merchant.id not in findings.merchants.claimed)
    findings.topology.unbound = sum(bound.get(merchant.id) != merchant.tier for merchant in own)
    findings.topology.door_open = front_door in observed.exchanges
    observed = await _retire(ctx, broker, state, findings, wanted, observed)
    settle(route, state.own, observed, ctx.monotonic())
    findings.own.opening = any(queue.stage == "Opening" for queue in state.own.queues.values())
    return observed


async def _retire(
    ctx: Context, broker: Broker, state: RouteState, findings: Findings, wanted: Topology, observed: Topology
) -> Topology:
    """Delete what the route no longer wants; a queue once it is proven empty, which is after its pods have gone."""
    leftover = unfed(wanted, observed)
    samples = await broker.samples() if leftover else {}
    drained = findings.topology.drained = await watch_drained(ctx, broker, state, leftover, samples)
    front_door = naming.front_door(*place_of(wanted))
    if drained or retire(wanted, observed, ()):
        observed = await broker.observe(front_door)  # all: what somebody made since may lead to what is to go
    plan = retire(wanted, observed, await proven_empty(broker, state, drained) if drained else ())
    if plan:
        await broker.run(plan)
        observed = await broker.observe(front_door)
    left = sorted(unfed(wanted, observed))
    findings.topology.retiring = tuple(name for name in left if not naming.is_own_queue(name))
    findings.own.closing = tuple(name for name in left if naming.is_own_queue(name))
    state.own.drained = drained.intersection(findings.own.closing, state.empty.quiet)
    return observed


def _leftovers(route: Route, findings: Findings) -> Iterator[tuple[str, str]]:
    """Orders of a lane that is to go and has no pods: back to the router, which knows where their merchants are now."""
    place = (route.namespace, route.name)
    worked = {
        naming.lane_queue(*place, *lane_of(live))
        for live in findings.children.deployments.values()
        if live["spec"].get("replicas", 1) and not _is_obsolete(live, findings)
    }
    for queue in findings.topology.retiring:
        if queue.endswith((f".{naming.STABLE}", f".{naming.CANARY}")) and queue not in worked:
            yield queue, naming.router(*place)


def _is_obsolete(live: Object, findings: Findings) -> bool:
    """A canary that was aborted, or that is to go and has no pod that could empty its queue."""
    tier, lane = lane_of(live)
    return lane == naming.CANARY and (tier in findings.aborted or not live.get("status", {}).get("readyReplicas"))


def _canary_asked(findings: Findings) -> bool:
    """The annotation goes in the pass after the one that does what it asks for."""
    return naming.ANNOTATION_CANARY in (findings.raw["metadata"].get("annotations") or {})
