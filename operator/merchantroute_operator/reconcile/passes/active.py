"""Reconciles an active route: queues, configuration, Deployments, inner bindings, front door, in that order.

Before all of it the API server is asked whether it would take the Deployments.

Each step works on what the one before it left, so a pass that stops anywhere leaves every order with a way on; and no
pod starts before its queue is there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from merchantroute_operator import naming
from merchantroute_operator.errors import RouteError, SecretInvalid, SecretMissing, TopologyConflict
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.rabbit.broker_port import Broker
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.reconcile.state.gate import assign, bound_in, gate, reporting_pods
from merchantroute_operator.reconcile.state.lane import is_idle
from merchantroute_operator.reconcile.state.route_state import RouteState
from merchantroute_operator.reconcile.steps.auxiliaries import delete_auxiliaries, ensure_auxiliaries
from merchantroute_operator.reconcile.steps.canary import advance_canaries
from merchantroute_operator.reconcile.steps.configuration import (
    annotate_stale_pods,
    attempt,
    delete_superseded,
    plan_configuration,
    write_configuration,
)
from merchantroute_operator.reconcile.steps.credentials import Credential, collect
from merchantroute_operator.reconcile.steps.deployments import (
    check_deployments,
    delete_deployments,
    ensure_deployments,
    lane_of,
    ready_pods,
)
from merchantroute_operator.reconcile.steps.emptiness import proven_empty, watch_drained
from merchantroute_operator.reconcile.steps.lane_accounts import (
    drop_unused_lane_users,
    make_lane_users,
    plan_lane_users,
)
from merchantroute_operator.reconcile.steps.moving import move_orders
from merchantroute_operator.reconcile.steps.open_broker import drop_agreement, open_broker, owner_of_route
from merchantroute_operator.resources.configuration.config_maps import render
from merchantroute_operator.resources.configuration.deaths import deaths, told_deaths
from merchantroute_operator.resources.configuration.shard_plan import ShardPlan
from merchantroute_operator.resources.workload.pod import mounted_broker_secret
from merchantroute_operator.spec.route import Route
from merchantroute_operator.spec.sections.broker_secret import parse_broker
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


async def _mounted_secret(ctx: Context, route: Route, operators: str) -> tuple[str, RouteError | None]:
    """The resourceVersion of the Secret that pods mount, and what is wrong with it.

    ``operators`` is that of ``secretRef``, which is the same Secret unless ``workerSecretRef`` names another.
    """
    if route.worker_secret == route.broker_secret:
        return operators, None
    secret = await ctx.kube.secret(route.namespace, route.worker_secret)
    if secret is None:
        words = f"Secret {route.worker_secret} (workerSecretRef) does not exist: no new pod can start without it"
        return "", SecretMissing(f"{words}, so create it in namespace {route.namespace}")
    try:
        parse_broker(secret.name, secret.data)
    except SecretInvalid as error:
        return secret.version, error
    return secret.version, None


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
    users = await plan_lane_users(ctx, broker, route, findings)
    replaced = await check_deployments(ctx.kube, users.route, ctx.cluster, findings.children.deployments)
    observed = await _queues(ctx, broker, route, state, owner, findings)
    route = findings.route = state.route = await make_lane_users(ctx, broker, users, findings)
    found, problems = await collect(ctx.kube, route)
    findings.merchants.credential_problems = {
        m: why for m, why in problems.items() if m not in findings.merchants.claimed
    }
    findings.merchants.claim_problems = {m: why for m, why in problems.items() if m in findings.merchants.claimed}
    plan = await _configuration(ctx, route, state, findings, found, replaced)
    mounted, unmounted = await _mounted_secret(ctx, route, secret_version)
    await _bring_to_pods(ctx, route, state, findings, mounted)
    # Told, and tried again by the next pass: it slows down nothing that comes after.
    findings.beside = await ensure_auxiliaries(ctx.kube, route, findings.children, findings.merchants.claimed)
    findings.error = unmounted
    await ensure_deployments(ctx.kube, route, ctx.cluster, findings.children.deployments, plan.mounts)
    observed = await _bindings(ctx, broker, route, state, findings, observed, owner)
    state.split_watch.left(in_use(route, observed))
    needed = observed.queues.keys() - findings.topology.drained
    await delete_deployments(ctx.kube, route, findings.children, needed, findings.aborted)
    await move_orders(ctx, broker, state, findings, _leftovers(route, findings))
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
    ):
        return REQUEUE_SOON
    return REQUEUE_LATER if findings.configuration.gate.overdue else ctx.resync


async def _queues(
    ctx: Context, broker: Broker, route: Route, state: RouteState, owner: str, findings: Findings
) -> Topology:
    prefix = naming.front_door(route.namespace, route.name)
    observed = await broker.observe(prefix)
    weights = {tier: weight for tier, (weight, _) in state.split_watch.splits.items()}
    wrong = state.split_watch.why | altered_splits(route, observed, weights)
    state.repairs += len(wrong)
    for tier, words in wrong.items():
        await ctx.kube.event(findings.raw, "Warning", "Repaired", f"{tier}: {words}: its split is built anew")
    wanted = desired(route, owner, {}, choose(route, observed, state.split_watch.shunned))
    findings.topology.conflicts = conflicts(wanted, observed, owner)
    if findings.topology.conflicts:
        raise TopologyConflict("; ".join(findings.topology.conflicts))
    if first := (*unbind_unwanted_splits(wanted, observed), *repair(wanted, observed)):
        await broker.run(first)
        observed = await broker.observe(prefix)
    plan = skeleton(wanted, observed)
    if plan:
        await broker.run(plan)
        observed = await broker.observe(prefix)
    findings.topology.queues_ready = not skeleton(wanted, observed)
    return observed


async def _configuration(
    ctx: Context,
    route: Route,
    state: RouteState,
    findings: Findings,
    found: Mapping[str, Credential],
    replaced: Collection[str],
) -> ShardPlan:
    remembered = max(state.configuration.generation, int(findings.raw.get("status", {}).get("configGeneration") or 0))
    children = findings.children
    contents = render(route, ctx.cluster, deaths(route, children.pods, told_deaths(route, children.config_maps)))
    plan = plan_configuration(route, children, contents, found, replaced)
    generation = await write_configuration(
        ctx.kube,
        route,
        children,
        contents,
        found,
        plan,
        known=remembered,
        now_ms=int(ctx.wall() * 1000),
        renew=not (state.lanes and all(map(is_idle, state.lanes.values()))),
    )
    if generation != state.configuration.generation:
        state.configuration.generation, state.configuration.written_at = generation, ctx.monotonic()
    findings.configuration.generation, findings.configuration.superseded = generation, not plan.has_settled
    return plan


async def _bring_to_pods(
    ctx: Context, route: Route, state: RouteState, findings: Findings, secret_version: str
) -> None:
    pods = findings.children.pods
    age = ctx.monotonic() - state.configuration.written_at
    loaded = {pulse.pod: pulse.generation for pulse in ctx.pulses.of(route.namespace, route.name)}
    ready = reporting_pods(route, pods, ready_pods(pods, ctx.wall()), loaded)
    findings.configuration.gate = gate(ready, loaded, state.configuration.generation, age=age)
    await annotate_stale_pods(
        ctx.kube,
        route.namespace,
        pods,
        generation=attempt(state.configuration.generation, age),
        brokers={
            name: findings.users.versions.get(mounted_broker_secret(pod.get("spec", {})), secret_version)
            for name, pod in pods.items()
        },
        lagging=(*findings.configuration.gate.awaited, *findings.configuration.gate.overdue),
    )


async def _bindings(
    ctx: Context,
    broker: Broker,
    route: Route,
    state: RouteState,
    findings: Findings,
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
    return await _retire(ctx, broker, state, findings, wanted, observed)


async def _retire(
    ctx: Context, broker: Broker, state: RouteState, findings: Findings, wanted: Topology, observed: Topology
) -> Topology:
    """Delete what the route no longer wants; a queue once it is proven empty, which is after its pods have gone."""
    leftover = unfed(wanted, observed)
    samples = await broker.samples() if leftover else {}
    drained = findings.topology.drained = await watch_drained(ctx, broker, state, leftover, samples)
    plan = retire(wanted, observed, await proven_empty(broker, state, drained) if drained else ())
    if plan:
        await broker.run(plan)
        observed = await broker.observe(naming.front_door(*place_of(wanted)))
    findings.topology.retiring = tuple(sorted(unfed(wanted, observed)))
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
