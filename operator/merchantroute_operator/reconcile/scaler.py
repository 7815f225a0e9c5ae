"""The loop that keeps every lane's number of pods: one read per broker and tick covers all its queues.

A dead loop stops no worker. Only this loop writes ``/scale``; a pass creates a Deployment with its first number.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from merchantroute_operator import metrics, naming
from merchantroute_operator.canary.counting import count
from merchantroute_operator.errors import BrokerError, KubeError
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.rabbit.broker_port import Broker
from merchantroute_operator.reconcile.reconciler import Key, Reconciler
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.hub_reports import HUB_BLOCKED
from merchantroute_operator.reconcile.state.lane import Lane, retrying
from merchantroute_operator.reconcile.state.route_state import RouteState
from merchantroute_operator.reconcile.steps.canary import is_due
from merchantroute_operator.scaling.decide import decide
from merchantroute_operator.scaling.figures import observe, remember
from merchantroute_operator.scaling.model import Decision, Memory, Observation, QueueReading
from merchantroute_operator.scaling.reasons import FOREIGN_SCALER
from merchantroute_operator.scaling.renew import renew
from merchantroute_operator.scaling.whole_tier import whole_tier
from merchantroute_operator.spec.lane_specs import LaneSpec, lanes
from merchantroute_operator.spec.route import Route, Tier
from merchantroute_operator.status.lanes import order_times
from merchantroute_operator.status.suspect import worn_out
from merchantroute_operator.topology.objects import QueueSample

logger = logging.getLogger(__name__)
TELL_EVERY = 5.0  # seconds between two status writes that only bring new figures


class Scaler:
    """One loop for all routes of this operator."""

    def __init__(self, ctx: Context, reconciler: Reconciler, *, tick: float) -> None:
        self._ctx = ctx
        self._reconciler = reconciler
        self._tick = tick
        self._moved = ctx.monotonic()
        self._deaf: set[int] = set()  # brokers (by id) that did not answer at the last tick

    def stuck_for(self) -> float:
        """Seconds since the last tick ended, beyond the tick itself."""
        return max(0.0, self._ctx.monotonic() - self._moved - self._tick)

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await self.tick()
            self._moved = self._ctx.monotonic()
            await asyncio.sleep(self._tick)

    async def tick(self) -> None:
        """One decision for every lane of every broker; a broker that does not answer holds up nobody else's."""
        await asyncio.gather(*(self._broker(broker, users) for broker, users in self._ctx.brokers.users()))

    async def _broker(self, broker: Broker, users: tuple[object, ...]) -> None:
        try:
            samples: Mapping[str, QueueSample] | None = await broker.samples()
            if id(broker) in self._deaf:
                self._deaf.discard(id(broker))
                logger.info("queue figures can be read again")
        except BrokerError as error:
            if id(broker) not in self._deaf:
                self._deaf.add(id(broker))
                logger.warning("queue figures cannot be read: %s", error)
            samples = None
        for key in users:
            state = self._reconciler.states.get(cast(Key, key))
            if state is not None and state.route is not None:
                await self._route(cast(Key, key), state, state.route, samples)

    async def _route(
        self, key: Key, state: RouteState, route: Route, samples: Mapping[str, QueueSample] | None
    ) -> None:
        if state.findings is None:  # what the status remembers is not read yet
            return
        for spec in lanes(route):
            live = state.deployments.get(spec.deployment)
            if live is not None:
                await self._lane(state, route, spec, live, samples)
        for words in state.hubs.news(self._ctx.board.of(route.namespace, route.name), self._ctx.monotonic()):
            await self._ctx.kube.event(state.findings.raw, "Warning", HUB_BLOCKED, words)
        wanted = {(spec.tier.name, spec.name) for spec in lanes(route)}
        for gone in state.lanes.keys() - wanted:
            del state.lanes[gone]
        if route.deleting_since is None and not state.paused and is_due(self._ctx, state, route):
            self._reconciler.touch(key)
        if route.deleting_since is None and not state.paused and samples is not None:
            await self._parting(key, state, route, samples)
        dead = samples.get(naming.dead(*key)) if samples is not None else None
        state.dead = dead.messages if dead is not None else None
        now = self._ctx.monotonic()
        if now - state.told_at >= TELL_EVERY:
            self._reconciler.queue.add(key)
        if samples is not None and not state.paused and _queue_is_missing(route, samples):
            self._reconciler.touch(key)

    async def _parting(self, key: Key, state: RouteState, route: Route, samples: Mapping[str, QueueSample]) -> None:
        hopeless = state.parting.watch(route, samples, self._ctx.monotonic())
        if state.parting.shunned:
            self._reconciler.touch(key)
        for words in hopeless:
            if state.findings is not None:
                await self._ctx.kube.event(state.findings.raw, "Warning", "CanaryShareOff", words)

    async def _lane(
        self, state: RouteState, route: Route, spec: LaneSpec, live: Object, samples: Mapping[str, QueueSample] | None
    ) -> None:
        now, tier = self._ctx.monotonic(), spec.tier
        lane = state.lanes.get((tier.name, spec.name)) or _remembered(state, spec)
        mine = samples.get(spec.queue) if samples is not None else None
        pulses = [
            pulse
            for pulse in self._ctx.board.of(route.namespace, route.name)
            if (pulse.tier, pulse.lane) == (tier.name, spec.name)
        ]
        reading = QueueReading(now, mine) if mine is not None else None
        lane.history = remember(lane.history, reading=reading, pulses=pulses, now=now)
        rungs = {ms: samples[name] for ms, name in spec.rungs if name in samples} if samples else {}
        if samples is not None:
            lane.retrying = retrying(rungs)
            lane.policies = _policies(naming.tier_exchange(route.namespace, route.name, tier.name), samples)
        lane.generation = min((pulse.generation for pulse in pulses), default=0)
        replicas = int(live["spec"].get("replicas", 1))
        lane.observation = observe(
            lane.history,
            now=now,
            rungs=rungs,
            policy=tier.scaling,
            replicas=replicas,
            ready_pods=int(live.get("status", {}).get("readyReplicas", 0)),
        )
        lane.counting = count(lane.counting, pulses)
        policy = replace(tier.scaling, paused=True) if state.paused else tier.scaling
        sized = _sized_for(state, tier, spec, lane.observation)
        lane.decision = decide(sized, policy, tier.concurrency, lane.memory)
        lane.memory = lane.decision.memory
        if other := state.scaled_by.get(spec.deployment):
            words = f"Left to {other}, which scales this Deployment, too"
            lane.decision = replace(lane.decision, replicas=replicas, reason=FOREIGN_SCALER, message=words)
        elif (worn := _worn_out(state, spec)) and worn != lane.renewed and replicas and lane.decision.replicas:
            lane.renewed, lane.decision = worn, renew(lane.decision)
        if lane.decision.replicas != replicas:
            await self._scale(state, route, live, lane.decision)

    async def _scale(self, state: RouteState, route: Route, live: Object, decision: Decision) -> None:
        name = live["metadata"]["name"]
        try:
            await self._ctx.kube.scale(route.namespace, name, decision.replicas)
        except KubeError as error:
            logger.warning("%s/%s cannot be scaled: %s", route.namespace, name, error)
            return
        # The watch brings the same a little later; until then the next tick must not decide on the old number.
        live["spec"]["replicas"] = decision.replicas
        metrics.SCALED.labels(decision.reason).inc()
        if state.findings is not None:
            words = f"{name}: {decision.message}"
            await self._ctx.kube.event(state.findings.raw, "Normal", f"Scaled{decision.reason}", words)


def _remembered(state: RouteState, spec: LaneSpec) -> Lane:
    """A lane of a process that has just started knows its order time from the status."""
    told = state.findings.raw.get("status", {}) if state.findings is not None else {}
    memory = Memory(order_time=order_times(told).get((spec.tier.name, spec.name)))
    return state.lanes.setdefault((spec.tier.name, spec.name), Lane(memory=memory))


def _sized_for(state: RouteState, tier: Tier, spec: LaneSpec, seen: Observation) -> Observation:
    """A lane is sized for its own orders; ``stable`` for the whole tier's while it has a canary."""
    if spec.name != naming.STABLE or tier.canary is None or not tier.canary.weight:
        return seen
    beside = state.lanes.get((tier.name, naming.CANARY))
    return whole_tier(seen, beside.observation if beside is not None else None)


def _worn_out(state: RouteState, spec: LaneSpec) -> str:
    pods = state.findings.children.pods if state.findings is not None else {}
    return worn_out(pods) if spec.name == naming.SUSPECT and not state.paused else ""


def _policies(place: str, samples: Mapping[str, QueueSample]) -> dict[str, str]:
    """Queue -> policy that somebody put on it; ``place`` is a tier's part of the broker, or the suspect queue."""
    return {
        name: sample.policy
        for name, sample in samples.items()
        if sample.policy and (name == place or name.startswith(f"{place}."))
    }


def _queue_is_missing(route: Route, samples: Mapping[str, QueueSample]) -> bool:
    """A queue that somebody deleted is made again at once, not at the next timed pass."""
    return route.deleting_since is None and any(
        queue not in samples for lane in lanes(route) for queue in (lane.queue, *(name for _, name in lane.rungs))
    )
