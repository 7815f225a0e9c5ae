"""Divides own queues over the pods of their tiers, names them in the configuration, and says which pods know them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from merchantroute_operator import naming
from merchantroute_operator.isolation.groups.limited_groups import GroupPlan
from merchantroute_operator.isolation.model import OwnQueue
from merchantroute_operator.isolation.parts import most_pods
from merchantroute_operator.reconcile.state.gate import PATIENCE
from merchantroute_operator.reconcile.state.own.own_memory import Named, OwnQueues, Parts, share_now
from merchantroute_operator.reconcile.state.own.tier_pods import TierPods, had_time, slots_of_tiers
from merchantroute_operator.reconcile.steps.own_divisions import Divided, divide_groups, divided, in_flight
from merchantroute_operator.resources.configuration.own_file import OfGroup, OwnEntry, own_file
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.spec.route import Raw, Route
from merchantroute_operator.topology.desired import own_binding
from merchantroute_operator.topology.objects import Topology

_ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class OwnPlan:
    """What the configuration is to say: its file, each merchant's parts, and whether some share is not given out yet.

    ``named`` are the merchants whose queues are in the file, with the tier, ``groups`` what those with limits have.
    """

    text: str = ""
    parts: Parts = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)
    unfinished: bool = False
    groups: GroupPlan = field(default_factory=GroupPlan)


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
    together = own.plan_groups(route, slots_of_tiers(pulses.values()), now)
    of_groups = divide_groups(route, own, together, tiers, pulses, now)
    pods_of = {(entry.tier, entry.name): {pod for pod, part in entry.parts.items() if part} for entry in of_groups}
    entries, unfinished = [], any(sum(e.parts.values()) < together.shares[e.tier, e.name].share for e in of_groups)
    parts: dict[str | OfGroup, Mapping[str, int]] = {}
    for merchant, queue in sorted(own.queues.items(), key=lambda item: (item[1].stage == "Opening", item[0])):
        name = naming.own_queue(*place, merchant)
        if name not in observed.queues or merchant in own.refused or _is_done(queue, name, own):
            continue
        group = own.groups_of(route).of(merchant) if merchant in together.members else None
        among = None if group is None else pods_of[queue.tier, group]
        share = together.members.get(merchant, share_now(queue))
        running = in_flight([merchant], pulses)
        over = most_pods(queue.rate, queue.burst, found=queue.found)
        named = own.named.get(merchant)
        whose = Divided(name, queue.tier, share, own.written_for(merchant), running, named, over, among)
        given = divided(whose, tiers, now)
        parts[merchant] = {pod: part for pod, part in given.items() if part}
        unfinished |= bool(given) and sum(given.values()) < share and among != set()
        bound = queue.stage == "Open" and own_binding(place, merchant) in observed.bindings
        entries.append(
            OwnEntry(merchant, queue.tier, name, given, bound, queue.rate, queue.burst, queue.paused_until, group)
        )
    listed = {tier: sorted(those.live) for tier, those in tiers.items()}
    text, fitting = own_file(entries, listed, room, of_groups)
    for entry in of_groups:
        written = {pod: part for pod, part in entry.parts.items() if part}
        parts[OfGroup(entry.name)] = {**parts.get(OfGroup(entry.name), {}), **written}
    return OwnPlan(
        text,
        {whose: given for whose, given in parts.items() if isinstance(whose, OfGroup) or whose in fitting},
        {merchant: own.queues[merchant].tier for merchant in sorted(fitting)},
        unfinished,
        together,
    )


def told(own: OwnQueues, plan: OwnPlan, generation: int, now: float) -> None:
    """The configuration says what was planned, since this generation."""
    own.saw(generation, plan.parts)
    own.group_plan = plan.groups
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
    awaited = {name for name in pods.ready if name not in knowing and not had_time(name, named, pods, now)}
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


def loaded_by(tiers: Mapping[str, TierPods]) -> Collection[int | None]:
    """The generations by which pods run."""
    return [each for those in tiers.values() for pods in (those.live, those.ending) for each in pods.values()]
