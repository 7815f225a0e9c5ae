"""Reconciles a route that is being deleted. The front door goes first, so that publishing fails loudly from then on.

The finalizer is the operator's own and the children have no owner references: a foreground delete would take away the
workers that a drain needs. It ends also when the broker is gone for good, since nobody could end it otherwise.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping

from merchantroute_operator import metrics, naming
from merchantroute_operator.errors import BrokerError, SecretInvalid, SecretMissing
from merchantroute_operator.kube.kube_port import Children, Kind, Object
from merchantroute_operator.rabbit.broker_port import Broker
from merchantroute_operator.reconcile.passes.active import REQUEUE_SOON
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.reconcile.state.route_state import RouteState
from merchantroute_operator.reconcile.steps.accounts.lane_accounts import remove_lane_users
from merchantroute_operator.reconcile.steps.accounts.leaving_lanes import keep_lane_users
from merchantroute_operator.reconcile.steps.auxiliaries import delete_all_auxiliaries
from merchantroute_operator.reconcile.steps.deletion_policy import (
    deletion_policy,
    gives_up_on_broker,
    may_still_end,
    waited_before,
)
from merchantroute_operator.reconcile.steps.deployments import lane_of
from merchantroute_operator.reconcile.steps.emptiness import proven_empty, watch_drained
from merchantroute_operator.reconcile.steps.moving import move_orders
from merchantroute_operator.reconcile.steps.open_broker import open_broker, owner_of_route
from merchantroute_operator.reconcile.steps.own_queue_steps import lead_away, own_by_tier, unworked_queues
from merchantroute_operator.resources.configuration.sharding import MOST_DIGITS
from merchantroute_operator.resources.lane_user_secret import own_lane_secrets
from merchantroute_operator.spec.route import Route
from merchantroute_operator.status.text import some
from merchantroute_operator.topology.drained import QUIET
from merchantroute_operator.topology.objects import QueueSample, Topology
from merchantroute_operator.topology.plans.changes import close_front_door, delete_exchanges, tear_down
from merchantroute_operator.topology.queries import owner_of

logger = logging.getLogger(__name__)


async def reconcile_deleting(ctx: Context, route: Route, state: RouteState, findings: Findings) -> float | None:
    """One pass towards the end; the seconds until the next, or None when the finalizer is off."""
    if naming.FINALIZER not in route.finalizers:
        return None
    findings.children = await ctx.kube.children(route.namespace, route.name)
    ctx.pulses.know((route.namespace, route.name), findings.children.pods)
    elapsed = _elapsed(ctx, route, state)
    terminating = await ctx.kube.namespace_is_terminating(route.namespace)
    policy = deletion_policy(route.deletion, elapsed=elapsed, terminating=terminating)
    try:
        broker = await _broker_while_deleting(ctx, route, findings)
        observed = await _close(broker, route)
        if policy != route.deletion.policy and not terminating and not state.deletion.drain_ended:
            state.deletion.drain_ended = True
            await _report_timeout(ctx, broker, route, findings, observed)
        match policy:
            case "Drain":
                waits = await _drain(ctx, broker, route, state, findings, observed)
            case "Force":
                waits = await _force(ctx, broker, route, state, findings, observed)
            case _:
                waits = await _retain(ctx, route, state, findings)
        if waits is None:
            await remove_lane_users(ctx, broker, route, findings)
    except (BrokerError, SecretMissing, SecretInvalid) as error:
        if not gives_up_on_broker(route.deletion, elapsed=elapsed, terminating=terminating):
            raise
        metrics.BROKERS_GIVEN_UP.inc()
        logger.warning("route %s/%s goes without its broker: %s", route.namespace, route.name, error)
        await ctx.kube.event(findings.raw, "Warning", "BrokerGivenUp", f"what is in the broker stays there: {error}")
        waits = await _retain(ctx, route, state, findings)
    if waits is None:
        await delete_all_auxiliaries(ctx.kube, route.namespace, findings.children)
        await _forget_configuration(ctx, route, findings.children)
        left = [name for name in route.finalizers if name != naming.FINALIZER]
        await ctx.kube.set_finalizers(findings.raw, left)
    return waits


def _elapsed(ctx: Context, route: Route, state: RouteState) -> float:
    """Seconds since the deletion was asked for.

    From the first look of this process on they are its own; those before are the object's timestamp's.
    """
    now = ctx.monotonic()
    if state.deletion.asked_at is None:
        before = waited_before(route.deleting_since, (ctx.wall(), ctx.kube.server_time()))
        state.deletion.asked_at = now - before
    return now - state.deletion.asked_at


def _ending(ctx: Context, state: RouteState, children: Children) -> list[Object]:
    """The pods that are still worth waiting for. How long each has been ending is counted by this process."""
    now, seen = ctx.monotonic(), state.deletion.ending
    for name, pod in children.pods.items():
        if "deletionTimestamp" in pod["metadata"]:
            seen.setdefault(name, now)
    return [pod for name, pod in children.pods.items() if may_still_end(pod, seen_for=now - seen.get(name, now))]


async def _broker_while_deleting(ctx: Context, route: Route, findings: Findings) -> Broker:
    """The route's broker; the one it had when its Secret has gone before it, as in a namespace that is deleted."""
    try:
        broker, _ = await open_broker(ctx, route, findings)
    except SecretMissing:
        known = ctx.brokers.known((route.namespace, route.name))
        if known is None:
            raise
        broker = known
    return broker


async def _close(broker: Broker, route: Route) -> Topology:
    front_door = naming.front_door(route.namespace, route.name)
    observed = await broker.observe(front_door)
    plan = close_front_door(observed, front_door)
    if plan:
        await broker.run(plan)
        observed = await broker.observe(front_door)
    return observed


async def _report_timeout(ctx: Context, broker: Broker, route: Route, findings: Findings, observed: Topology) -> None:
    left = _held(await broker.samples(), observed.queues.keys() - {naming.dead(route.namespace, route.name)})
    what = "go with their queues" if route.deletion.on_timeout == "Force" else "stay in their queues"
    words = f"after {route.deletion.timeout:.0f} s {left} orders are left: they {what} (onTimeout)"
    await ctx.kube.event(findings.raw, "Warning", "DrainTimedOut", words)


async def _retain(ctx: Context, route: Route, state: RouteState, findings: Findings) -> float | None:
    """Queues stay for a route of the same name; workers finish what they hold, and hand back the rest."""
    for name in findings.children.deployments:
        await ctx.kube.delete("Deployment", route.namespace, name)
    ending = _ending(ctx, state, findings.children)
    if ending:
        findings.ending = f"waiting for {len(ending)} pods to finish the orders they hold"
        return REQUEUE_SOON
    return None


async def _force(
    ctx: Context, broker: Broker, route: Route, state: RouteState, findings: Findings, observed: Topology
) -> float | None:
    """Delete all, orders included; their number is reported, so no pod may hold one and none may be in transit."""
    waits = await _retain(ctx, route, state, findings)
    if waits is not None:
        return waits
    owner = owner_of_route(ctx, route, findings)
    findings.ending = "counting the orders that go"
    still = delete_exchanges(observed, owner=owner)
    if still:
        await broker.run(still)
    if still or state.deletion.still_since is None:
        state.deletion.still_since = ctx.monotonic()
    if ctx.monotonic() - state.deletion.still_since < QUIET:
        return REQUEUE_SOON
    held = await _counted(broker, observed.queues)
    await broker.run(tear_down(observed, owner=owner, keep_dead=False))
    await ctx.kube.event(findings.raw, "Warning", "OrdersRemoved", f"Force removed {held} orders with their queues")
    return None


async def _drain(
    ctx: Context, broker: Broker, route: Route, state: RouteState, findings: Findings, observed: Topology
) -> float | None:
    """Workers run until lanes and rungs are proven empty; then all goes, dead letters as the route says.

    Own queues are led to no more, and drained as lanes; what no pod works there goes to the tier's lane.
    """
    await lead_away(broker, route, observed)
    await keep_lane_users(ctx, broker, route, findings, own_by_tier(route, state.own))
    lanes = observed.queues.keys() - {naming.dead(route.namespace, route.name)}
    samples = await broker.samples()
    drained = await watch_drained(ctx, broker, state, lanes, samples)
    owner = owner_of_route(ctx, route, findings)
    own = [
        name
        for name, queue in observed.queues.items()
        if naming.is_own_queue(name) and owner_of(queue) == owner and name in samples and samples[name].messages
    ]
    unworked = await unworked_queues(broker, route, state.own, own)
    await move_orders(ctx, broker, state, findings, (*_unconsumed(route, findings, samples), *unworked))
    if not lanes <= drained:
        findings.ending = "; ".join((f"draining: {_held(samples, lanes)} orders left", *_remarks(findings)))
        return REQUEUE_SOON
    waits = await _retain(ctx, route, state, findings)
    if waits is None and (rest := lanes - await proven_empty(broker, state, drained)):
        findings.ending = f"draining: orders came late, or somebody else consumes: {some(sorted(rest))}"
        return REQUEUE_SOON
    if waits is None:
        keep = route.deletion.dead_letters == "Retain"
        await broker.run(tear_down(observed, owner=owner, keep_dead=keep))
    return waits


def _unconsumed(route: Route, findings: Findings, samples: Mapping[str, QueueSample]) -> Iterator[tuple[str, str]]:
    """Orders of a canary that was aborted just before: its pods are gone, the tier's own work them."""
    worked = {
        naming.lane_queue(route.namespace, route.name, *lane_of(live))
        for live in findings.children.deployments.values()
    }
    for tier in route.tiers:
        queue = naming.canary_queue(route.namespace, route.name, tier.name)
        if queue not in worked and queue in samples and samples[queue].messages:
            yield queue, naming.stable_exchange(route.namespace, route.name, tier.name)


def _remarks(findings: Findings) -> tuple[str, ...]:
    unproven = findings.topology.uncounted
    return (*((f"nothing proves it: {unproven.words}",) if unproven.queues else ()), *findings.topology.moving)


async def _counted(broker: Broker, queues: Mapping[str, object]) -> int:
    """How many orders are in ``queues``, of which none moves: by reports, and by leaders where reports are older."""
    samples, live = await broker.samples(), await broker.live(queues.keys())
    ready = {name: live[name].ready if name in live else 0 for name in queues}
    return sum(max(_held(samples, {name}), ready[name]) for name in queues)


def _held(samples: Mapping[str, QueueSample], queues: Mapping[str, object] | set[str]) -> int:
    return sum(samples[name].messages or 0 for name in queues if name in samples)


async def _forget_configuration(ctx: Context, route: Route, children: Children) -> None:
    """Remove what ``write_configuration`` wrote, by name: a user's own Secret may carry the route's label."""
    for shard in (shard for digits in range(MOST_DIGITS + 1) for shard in naming.shards(digits)):
        written: tuple[tuple[Kind, str, Mapping[str, Object]], ...] = (
            ("ConfigMap", naming.config_map(route.name, shard), children.config_maps),
            ("Secret", naming.credentials_secret(route.name, shard), children.secrets),
        )
        for kind, name, live in written:
            if name in live:
                await ctx.kube.delete(kind, route.namespace, name)
    for name in own_lane_secrets(route.name, children.secrets):
        await ctx.kube.delete("Secret", route.namespace, name)
