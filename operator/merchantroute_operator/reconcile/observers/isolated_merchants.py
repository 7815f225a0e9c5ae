"""Decides at each tick which merchants have an own queue; a pass makes it true.

It decides by what pods report in their pulses and by the broker's figures of the own queues. Of several events of one
kind at a tick one is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from merchantroute_operator import naming
from merchantroute_operator.isolation.decide import Decision, decide
from merchantroute_operator.isolation.isolation_events import IsolationEvent
from merchantroute_operator.isolation.model import OwnQueue, PodFigures, Waiting
from merchantroute_operator.reconcile.observers.tick import Tick
from merchantroute_operator.reconcile.state.own.own_memory import OwnQueues, in_tiers
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.spec.route import Route
from merchantroute_operator.status.text import some

LONGEST_UNTOLD = 60.0
"""Seconds that pods pause a merchant at most which asks for time, and does not say how much."""


async def decide_own_queues(tick: Tick) -> bool:
    """Whether a pass has something to do: a queue is to be opened or closed, or has another share or tier."""
    own, route = tick.state.own, tick.route
    if tick.samples is not None:
        own.waiting = waiting(route, own.queues, tick)
    if not tick.may_repair or not own.restored:
        return False
    before = own.queues
    decision = _decided(tick, own, route)
    own.queues = in_tiers(route, decision.queues)
    own.memory, own.frozen, own.without_room = decision.memory, decision.frozen, decision.without_room
    now = tick.ctx.monotonic()
    for merchant, queue in own.queues.items():
        if queue.stage == "Opening" and (merchant not in before or before[merchant].stage == "Closing"):
            own.asked_at[merchant] = now
    for event in merged(decision.events):
        await tick.ctx.kube.event(tick.raw, "Warning" if event.warning else "Normal", event.reason, event.text)
    return _differ(before, own.queues)


def _decided(tick: Tick, own: OwnQueues, route: Route) -> Decision:
    wall = tick.ctx.wall()
    pods = figures(route, tick.ctx.pulses.of(*tick.key))
    return decide(
        tick.ctx.monotonic(),
        wall,
        route.isolation.at(wall),
        pods=pods,
        merchants=own.tiers_of(route),
        default_tier=route.default_tier if route.default_endpoint is not None else None,
        waiting=own.waiting,
        queues=own.queues,
        memory=own.memory,
        backlog=backlog(route, tick, pods),
        longest_pause=max(route.orders.retry_after_max, LONGEST_UNTOLD),
        groups=own.groups_of(route),
        workers=own.written[-1].parts if own.written else None,
    )


def figures(route: Route, pulses: Iterable[Pulse]) -> dict[str, list[PodFigures]]:
    """What the stable pods of each tier report; pods of an older version say nothing of merchants."""
    found: dict[str, list[PodFigures]] = {tier.name: [] for tier in route.tiers}
    for pulse in pulses:
        if pulse.lane == naming.STABLE and pulse.tier in found and pulse.slots is not None:
            found[pulse.tier].append(
                PodFigures(
                    pod=pulse.pod,
                    started=pulse.started,
                    at=pulse.at,
                    slots=pulse.slots,
                    active=pulse.active,
                    fair_share=pulse.fair_share,
                    merchants=pulse.merchants,
                    busy=pulse.busy,
                    groups=pulse.groups,
                    slow=pulse.slow_merchants,
                )
            )
    return found


def waiting(route: Route, queues: Mapping[str, OwnQueue], tick: Tick) -> dict[str, Waiting]:
    """The broker's figures of own queues, by merchant; what is not known is left out."""
    names = {merchant: naming.own_queue(route.namespace, route.name, merchant) for merchant in queues}
    return _waiting_in(names, tick)


def backlog(route: Route, tick: Tick, pods: Mapping[str, Sequence[PodFigures]]) -> dict[str, int]:
    """The orders that wait in each tier's stable lane, in its queue or in a pod; what is not known is left out."""
    names = {tier.name: naming.stable_queue(route.namespace, route.name, tier.name) for tier in route.tiers}
    own = tick.state.own.queues
    return {
        tier: seen.ready + waiting_in_pods(seen.in_flight, pods.get(tier, ()), own)
        for tier, seen in _waiting_in(names, tick).items()
    }


def waiting_in_pods(unacked: int, pods: Sequence[PodFigures], own: Collection[str]) -> int:
    """The lane's orders that its pods have and cannot begin, of those that the broker has handed out and not got back.

    A lane's queue hands out as many orders as a pod has slots, whoever's orders have these. So while those of ``own``
    queues have them all, a pod's worth of the lane's waits where the broker counts nothing as ready.
    """
    if not own or not pods or any(pod.busy is None for pod in pods):
        return 0
    begun = 0
    for pod in pods:
        others = sum(max(0, seen.in_flight) for merchant, seen in pod.merchants.items() if merchant in own)
        begun += max(0, (pod.busy or 0) - others)
    return max(0, unacked - begun)


def _waiting_in(names: Mapping[str, str], tick: Tick) -> dict[str, Waiting]:
    """By whatever has a queue of that name."""
    samples = tick.samples or {}
    return {
        whose: Waiting(sample.ready, sample.unacked or 0)
        for whose, name in names.items()
        if (sample := samples.get(name)) is not None and sample.ready is not None
    }


def merged(events: Iterable[IsolationEvent]) -> list[IsolationEvent]:
    """One event of each reason and kind; several texts are one."""
    by_reason: defaultdict[tuple[str, bool], list[IsolationEvent]] = defaultdict(list)
    for event in events:
        by_reason[event.reason, event.warning].append(event)
    return [_one(those) for those in by_reason.values()]


def _one(events: list[IsolationEvent]) -> IsolationEvent:
    if len(events) == 1:
        return events[0]
    return replace(events[0], merchant=None, text=some([each.text for each in events], "; "))


def _differ(before: Mapping[str, OwnQueue], after: Mapping[str, OwnQueue]) -> bool:
    """Whether pods or broker have to be told of anything."""
    return {m: _told(queue) for m, queue in before.items()} != {m: _told(queue) for m, queue in after.items()}


def _told(queue: OwnQueue) -> tuple[object, ...]:
    return queue.tier, queue.stage, queue.share, queue.rate, queue.burst, queue.paused_until
