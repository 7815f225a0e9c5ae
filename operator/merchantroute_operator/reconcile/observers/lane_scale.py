"""Scales every lane: reads its figures, decides, and writes ``/scale``.

Only this observer writes ``/scale``; a reconcile creates a Deployment with its first number.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from merchantroute_operator import metrics, naming
from merchantroute_operator.canary.counting import count
from merchantroute_operator.errors import KubeError
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.reconcile.observers.tick import Tick, place_of
from merchantroute_operator.reconcile.state.lane import Lane, retrying
from merchantroute_operator.reconcile.state.own.own_memory import share_now
from merchantroute_operator.reconcile.state.route_state import RouteState
from merchantroute_operator.scaling.decide import decide
from merchantroute_operator.scaling.figures import observe, remember
from merchantroute_operator.scaling.model import Decision, Memory, Observation, QueueReading
from merchantroute_operator.scaling.own_load import OwnHistory, OwnLoad, remember_own, with_own, within_groups
from merchantroute_operator.scaling.renew import renew
from merchantroute_operator.scaling.scale_reasons import FOREIGN_SCALER
from merchantroute_operator.scaling.whole_tier import whole_tier
from merchantroute_operator.spec.lane_specs import LaneSpec, lanes
from merchantroute_operator.spec.route import Tier
from merchantroute_operator.status.lanes import order_times
from merchantroute_operator.status.suspect import worn_out
from merchantroute_operator.topology.objects import COUNTS_ALL, Uncounted

logger = logging.getLogger(__name__)


async def scale_lanes(tick: Tick) -> bool:
    """Decide for each lane that has a Deployment, and forget the lanes that the route no longer has."""
    specs = tuple(lanes(tick.route))
    for spec in specs:
        live = tick.state.deployments.get(spec.deployment)
        if live is not None:
            await _scale_lane(tick, spec, live)
    wanted = {(spec.tier.name, spec.name) for spec in specs}
    for gone in tick.state.lanes.keys() - wanted:
        del tick.state.lanes[gone]
    return False


async def _scale_lane(tick: Tick, spec: LaneSpec, live: Object) -> None:
    state, replicas = tick.state, int(live["spec"].get("replicas", 1))
    lane = state.lanes.get((spec.tier.name, spec.name)) or _remembered(state, spec)
    seen = lane.observation = _observe(tick, spec, lane, live, replicas)
    lane.decision = _decide(state, spec, lane, seen, replicas)
    if lane.decision.replicas != replicas and not lane.backoff.holds(tick.ctx.monotonic()):
        await _write_scale(tick, live, lane, lane.decision)


def _observe(tick: Tick, spec: LaneSpec, lane: Lane, live: Object, replicas: int) -> Observation:
    """Take in the lane's queue, its ladder and its pods' pulses."""
    now, tier, samples = tick.ctx.monotonic(), spec.tier, tick.samples
    mine = samples.get(spec.queue) if samples is not None else None
    pulses = [
        pulse
        for pulse in tick.ctx.pulses.of(tick.route.namespace, tick.route.name)
        if (pulse.tier, pulse.lane) == (tier.name, spec.name)
    ]
    reading = QueueReading(now, mine) if mine is not None else None
    lane.history = remember(lane.history, reading=reading, pulses=pulses, now=now)
    rungs = {ms: samples[name] for ms, name in spec.rungs if name in samples} if samples else {}
    if samples is not None:
        lane.retrying = retrying(rungs)
        lane.policies = _policies(tick, naming.tier_exchange(tick.route.namespace, tick.route.name, tier.name))
    lane.slow = len(frozenset().union(*(pulse.slow for pulse in pulses))) if pulses else None
    lane.paused = len(frozenset().union(*(pulse.paused for pulse in pulses))) if pulses else None
    lane.generation = min((pulse.generation for pulse in pulses), default=0)
    lane.counting = count(lane.counting, pulses)
    seen = observe(
        lane.history,
        now=now,
        rungs=rungs,
        policy=tier.scaling,
        replicas=replicas,
        ready_pods=int(live.get("status", {}).get("readyReplicas", 0)),
    )
    # A queue without a count was not published to, or its broker does not count.
    seen = replace(seen, arrival_rate=None) if _uncounted(tick.state).words else seen
    return _with_own_queues(tick, spec, lane, seen)


def _with_own_queues(tick: Tick, spec: LaneSpec, lane: Lane, seen: Observation) -> Observation:
    """A tier's stable pods work its merchants' own queues, too."""
    if spec.name != naming.STABLE or not tick.state.own.queues:
        lane.own = OwnHistory()
        return seen
    now, samples = tick.ctx.monotonic(), tick.samples or {}
    mine = [queue for queue in tick.state.own.queues.values() if queue.tier == spec.tier.name]
    names = [naming.own_queue(*tick.key, queue.merchant) for queue in mine]
    order_time = lane.memory.order_time or spec.tier.scaling.assumed_order_time
    group_of, plan = tick.state.own.groups_of(tick.route).of, tick.state.own.group_plan
    loads = within_groups(
        (
            (
                OwnLoad(name, samples.get(name), share_now(queue), queue.rate),
                (queue.tier, group_of(queue.merchant)) if queue.merchant in plan.members else None,
            )
            for name, queue in zip(names, mine, strict=True)
        ),
        plan.shares,
        order_time,
    )
    lane.own = remember_own(lane.own, loads, now)
    return with_own(seen, loads, lane.own, order_time, now)


def _decide(state: RouteState, spec: LaneSpec, lane: Lane, seen: Observation, replicas: int) -> Decision:
    tier = spec.tier
    policy = replace(tier.scaling, paused=True) if state.paused else tier.scaling
    if _uncounted(state).queues:
        # Nothing would show that a lane without pods has orders.
        policy = replace(policy, min_replicas=max(1, policy.min_replicas))
    decision = decide(_sized_for(state, tier, spec, seen), policy, tier.concurrency, lane.memory)
    lane.memory = decision.memory
    if other := state.scaled_by.get(spec.deployment):
        words = f"Left to {other}, which scales this Deployment, too"
        return replace(decision, replicas=replicas, reason=FOREIGN_SCALER, message=words)
    if (worn := _worn_out(state, spec)) and worn != lane.renewed and replicas and decision.replicas:
        lane.renewed = worn
        return renew(decision)
    return decision


async def _write_scale(tick: Tick, live: Object, lane: Lane, decision: Decision) -> None:
    name = live["metadata"]["name"]
    try:
        await tick.ctx.kube.scale(tick.route.namespace, name, decision.replicas)
    except KubeError as error:
        lane.backoff.failed(tick.ctx.monotonic(), asked=error.retry_after)
        logger.warning("%s/%s cannot be scaled: %s", tick.route.namespace, name, error)
        return
    lane.backoff.succeeded()
    # The watch brings the same a little later; until then the next tick must not decide on the old number.
    live["spec"]["replicas"] = decision.replicas
    metrics.SCALED.labels(decision.reason).inc()
    await tick.ctx.kube.event(tick.raw, "Normal", f"Scaled{decision.reason}", f"{name}: {decision.message}")


def _remembered(state: RouteState, spec: LaneSpec) -> Lane:
    """A lane of a process that has just started knows its order time from the status."""
    status = state.findings.raw.get("status", {}) if state.findings is not None else {}
    memory = Memory(order_time=order_times(status).get((spec.tier.name, spec.name)))
    return state.lanes.setdefault((spec.tier.name, spec.name), Lane(memory=memory))


def _uncounted(state: RouteState) -> Uncounted:
    return state.findings.topology.uncounted if state.findings is not None else COUNTS_ALL


def _sized_for(state: RouteState, tier: Tier, spec: LaneSpec, seen: Observation) -> Observation:
    """A lane is sized for its own orders; ``stable`` for the whole tier's while it has a canary."""
    if spec.name != naming.STABLE or tier.canary is None or not tier.canary.weight:
        return seen
    beside = state.lanes.get((tier.name, naming.CANARY))
    return whole_tier(seen, beside.observation if beside is not None else None)


def _worn_out(state: RouteState, spec: LaneSpec) -> str:
    pods = state.findings.children.pods if state.findings is not None else {}
    return worn_out(pods) if spec.name == naming.SUSPECT and not state.paused else ""


def _policies(tick: Tick, place: str) -> dict[str, str]:
    """Queue -> policy that somebody put on it; ``place`` is a tier's part of the broker, or the suspect queue.

    Each lane has those of merchants' own queues: the route's lanes are told of together.
    """
    mine = tick.seen.figures.policies.get(place_of(place), {}) if tick.seen.figures is not None else {}
    return {
        name: policy
        for name, policy in mine.items()
        if name == place or name.startswith(f"{place}.") or naming.is_own_queue(name)
    }
