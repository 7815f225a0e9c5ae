"""Divides own queues over the pods of their tiers, names them in the configuration, and says which pods know them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from merchantroute_operator import naming
from merchantroute_operator.isolation.model import OwnQueue
from merchantroute_operator.isolation.parts import most_pods, parts_to_write, still_running
from merchantroute_operator.reconcile.state.gate import PATIENCE
from merchantroute_operator.reconcile.state.own.own_memory import Named, OwnQueues, share_now
from merchantroute_operator.resources.configuration.own_file import OwnEntry, own_file
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.spec.route import Raw, Route
from merchantroute_operator.topology.desired import own_binding
from merchantroute_operator.topology.objects import Topology

_ENDED = ("Succeeded", "Failed")


@dataclass(slots=True)
class TierPods:
    """A tier's stable pods that know own queues, with the generation that each runs by; None: it has not said it.

    ``ending`` ones finish what they hold and begin nothing. ``ready`` are all that take orders, also those that know
    nothing of own queues, with the seconds for which they have.
    """

    live: dict[str, int | None] = field(default_factory=dict)
    ending: dict[str, int | None] = field(default_factory=dict)
    ready: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OwnPlan:
    """What the configuration is to say: its file, each merchant's parts, and whether some share is not given out yet.

    ``named`` are the merchants whose queues are in the file, with the tier.
    """

    text: str = ""
    parts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)
    unfinished: bool = False


NOTHING_OWN = OwnPlan()


def pods_of_tiers(
    route: Route,
    pods: Mapping[str, Raw],
    ready: Mapping[str, float],
    pulses: Mapping[str, Pulse],
    silent: Collection[str] = (),
) -> dict[str, TierPods]:
    """By tier. ``ready`` has the seconds for which each pod has been ready; ``silent`` ones never say what they do.

    A pod whose pulses have no slots is of a version that consumes no own queue. One that is neither ready nor heard is
    taken for none: when it comes up it loads what there is by then.
    """
    found = {tier.name: TierPods() for tier in route.tiers}
    for name, pod in pods.items():
        labels = pod["metadata"].get("labels", {})
        tier = found.get(labels.get(naming.LABEL_TIER, ""))
        if tier is None or labels.get(naming.LABEL_LANE) != naming.STABLE:
            continue
        if pod.get("status", {}).get("phase") in _ENDED:
            continue
        pulse = pulses.get(name)
        if name in ready:
            tier.ready[name] = ready[name]
        if pulse is not None and pulse.slots is None:
            continue
        generation = None if pulse is None else pulse.generation
        if "deletionTimestamp" in pod["metadata"]:
            tier.ending[name] = generation
        elif pulse is not None or (name in ready and name not in silent):
            tier.live[name] = generation
    return found


def plan_own(
    route: Route,
    own: OwnQueues,
    tiers: Mapping[str, TierPods],
    pulses: Mapping[str, Pulse],
    observed: Topology,
    *,
    room: int,
    now: float,
) -> OwnPlan:
    """The file as it should be ``now`` (monotonic seconds). ``room`` is what it may have in bytes."""
    if not own.queues:
        return NOTHING_OWN
    place = (route.namespace, route.name)
    entries, parts, unfinished = [], {}, False
    for merchant, queue in sorted(own.queues.items(), key=lambda item: (item[1].stage == "Opening", item[0])):
        name = naming.own_queue(*place, merchant)
        if name not in observed.queues or merchant in own.refused or _is_done(queue, name, own):
            continue
        given = _parts(merchant, queue, name, own, tiers, pulses, now)
        parts[merchant] = {pod: part for pod, part in given.items() if part}
        unfinished |= bool(given) and sum(given.values()) < share_now(queue)
        bound = queue.stage == "Open" and own_binding(place, merchant) in observed.bindings
        entries.append(OwnEntry(merchant, queue.tier, name, given, bound, queue.rate, queue.burst, queue.paused_until))
    text, named = own_file(entries, {tier: sorted(those.live) for tier, those in tiers.items()}, room)
    return OwnPlan(
        text,
        {merchant: parts[merchant] for merchant in sorted(named)},
        {merchant: own.queues[merchant].tier for merchant in named},
        unfinished,
    )


def told(own: OwnQueues, plan: OwnPlan, generation: int, now: float) -> None:
    """The configuration says what was planned, since this generation."""
    own.saw(generation, plan.parts)
    before = own.named
    own.named = {
        merchant: before[merchant]
        if merchant in before and before[merchant].tier == tier
        else Named(tier, generation, now)
        for merchant, tier in plan.named.items()
    }


def may_open(own: OwnQueues, tiers: Mapping[str, TierPods], now: float) -> frozenset[str]:
    """Merchants whose queues every ready pod of their tier knows.

    A pod that has not loaded that for a minute is not waited for, as long as another one has. Where a tier has no
    pods, the first one that comes will know.
    """
    return frozenset(
        merchant
        for merchant, named in own.named.items()
        if (pods := tiers.get(named.tier)) is not None and _is_known(named, pods, now)
    )


def _is_known(named: Named, pods: TierPods, now: float) -> bool:
    knowing = {name for name, generation in pods.live.items() if (generation or 0) >= named.generation}
    awaited = {name for name in pods.ready if name not in knowing and not _had_time(name, named, pods, now)}
    return not awaited and (bool(knowing) or not pods.ready)


def without_pods_that_know(own: OwnQueues, tiers: Mapping[str, TierPods]) -> list[str]:
    """Merchants with an open queue that nobody consumes: all pods of their tier are of a version that knows none."""
    return [
        merchant
        for merchant, queue in own.queues.items()
        if queue.stage == "Open"
        and (pods := tiers.get(queue.tier)) is not None
        and pods.ready
        and not pods.live
        and min(pods.ready.values()) > PATIENCE
    ]


def _is_done(queue: OwnQueue, name: str, own: OwnQueues) -> bool:
    """Whether pods need not consume it any more: it is deleted once nobody does."""
    return queue.stage == "Closing" and name in own.drained


def _parts(
    merchant: str,
    queue: OwnQueue,
    name: str,
    own: OwnQueues,
    tiers: Mapping[str, TierPods],
    pulses: Mapping[str, Pulse],
    now: float,
) -> dict[str, int]:
    written = own.written_for(merchant)
    running = {
        pod: min(figures.in_flight, pulse.slots or 0)
        for pod, pulse in pulses.items()
        if (figures := pulse.merchants.get(merchant)) is not None
    }
    mine = tiers.get(queue.tier, TierPods())
    overdue = {pod: mine.live[pod] for pod in _overdue(own.named.get(merchant), mine, now)}
    live = {pod: generation for pod, generation in mine.live.items() if pod not in overdue}
    others: dict[str, int | None] = dict(mine.ending)
    for tier, those in tiers.items():
        if tier != queue.tier:
            others |= {**those.live, **those.ending}
    share = max(0, share_now(queue) - still_running(others, written, running))
    # One at least: what such a pod holds may never end, and the queue is to be worked by somebody.
    share = max(min(1, share), share - still_running(overdue, written, running, load_newer=False))
    given = parts_to_write(share, name, live, written, running, most_pods(queue.rate, queue.burst, found=queue.found))
    return {**dict.fromkeys(overdue, 0), **given}


def _overdue(named: Named | None, pods: TierPods, now: float) -> list[str]:
    """Pods that are ready, and have not loaded for a minute what names the queue to them: they may never do.

    If one does after all, it loads what there is by then, which gives it nothing.
    """
    if named is None:
        return []
    return [
        name
        for name, generation in pods.live.items()
        if (generation or 0) < named.generation and _had_time(name, named, pods, now)
    ]


def _had_time(pod: str, named: Named, pods: TierPods, now: float) -> bool:
    """Whether a pod has been ready for a minute since the configuration names the queue."""
    return min(pods.ready.get(pod, 0.0), now - named.at) > PATIENCE


def loaded_by(tiers: Mapping[str, TierPods]) -> Collection[int | None]:
    """The generations by which pods run."""
    return [each for those in tiers.values() for pods in (those.live, those.ending) for each in pods.values()]
