"""Makes the decided own queues true: declared, told to pods, led to; or led away from, drained, proven empty, deleted.

Pods are told before any order is led to a queue, and go on consuming it until it is drained. A queue that the broker
does not make, or that is somebody else's, keeps its merchant where it is: nobody else's orders wait for that.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from merchantroute_operator import naming
from merchantroute_operator.errors import BrokerError, BrokerUnreachable
from merchantroute_operator.isolation.model import OwnQueue
from merchantroute_operator.rabbit.broker_port import Broker
from merchantroute_operator.reconcile.state.own.own_memory import OwnQueues, in_tiers
from merchantroute_operator.reconcile.steps.own_parts import TierPods
from merchantroute_operator.spec.route import Route
from merchantroute_operator.topology.arguments import MERCHANT
from merchantroute_operator.topology.conflicts import conflicts
from merchantroute_operator.topology.desired import own_binding, own_queue
from merchantroute_operator.topology.objects import Declare, Queue, Topology, Unbind
from merchantroute_operator.topology.plans.batches import in_order
from merchantroute_operator.topology.queries import owner_of

logger = logging.getLogger(__name__)


def take_in(route: Route, own: OwnQueues, observed: Topology, owner: str, wall: float) -> None:
    """Take in what the broker shows: queues that are led to are open, and those that no decision speaks of close."""
    place = (route.namespace, route.name)
    for name, queue in observed.queues.items():
        merchant = queue.arguments.get(MERCHANT)
        if (
            naming.is_own_queue(name)
            and owner_of(queue) == owner
            and isinstance(merchant, str)
            and merchant not in own.queues
            and naming.own_queue(*place, merchant) == name
        ):
            tier = own.tiers_of(route).get(merchant, route.default_tier)
            own.queues[merchant] = OwnQueue(merchant, tier, "Slow", "Closing", wall, share=1)
    own.queues = in_tiers(route, own.queues)
    for merchant, found in list(own.queues.items()):
        if found.stage == "Opening" and own_binding(place, merchant) in observed.bindings:
            own.queues[merchant] = replace(found, stage="Open")


async def declare_own_queues(
    broker: Broker, route: Route, own: OwnQueues, observed: Topology, owner: str
) -> Topology | None:
    """Declare those that are missing; what is there then, None where nothing was. Raises ``BrokerUnreachable``.

    What the broker refuses is in ``own.refused``: the queue of one merchant is not worth the route's.
    """
    place, own.refused = (route.namespace, route.name), {}
    missing: list[Queue] = []
    for merchant, queue in _wanted(own):
        wanted = own_queue(place, owner, merchant)
        one = Topology({}, {wanted.name: wanted}, frozenset())
        if words := conflicts(one, observed, owner):
            own.refused[queue.merchant] = words[0]
        elif wanted.name not in observed.queues:
            missing.append(wanted)
    made: list[Declare] = []
    for wanted in missing:
        try:
            await broker.run(in_order([Declare(wanted)]))
            made.append(Declare(wanted))
        except BrokerUnreachable:
            raise
        except BrokerError as error:
            own.refused[str(wanted.arguments[MERCHANT])] = str(error)
            logger.warning("own queue %s cannot be made: %s", wanted.name, error)
            # A limit of the vhost, or a missing right: the next one would be refused as this was.
            for other in missing[missing.index(wanted) + 1 :]:
                own.refused[str(other.arguments[MERCHANT])] = str(error)
            break
    return await broker.observe_after(in_order(made), naming.front_door(*place), observed) if missing else None


def led_to(route: Route, own: OwnQueues, observed: Topology, may_open: Collection[str]) -> dict[str, bool]:
    """Merchants with an own queue in the broker that is to stay, and whether their orders are to be led to it."""
    place = (route.namespace, route.name)
    return {
        merchant: queue.stage == "Open" or merchant in may_open
        for merchant, queue in _wanted(own)
        if merchant not in own.refused and naming.own_queue(*place, merchant) in observed.queues
    }


def settle(route: Route, own: OwnQueues, observed: Topology, now: float) -> None:
    """Take in what a pass left: queues that are led to now are open, and closed ones that are gone are forgotten."""
    place = (route.namespace, route.name)
    for merchant, queue in list(own.queues.items()):
        if queue.stage == "Opening" and own_binding(place, merchant) in observed.bindings:
            own.open(merchant, now)
    own.drop(
        merchant
        for merchant, queue in own.queues.items()
        if queue.stage == "Closing" and naming.own_queue(*place, merchant) not in observed.queues
    )


async def lead_away(broker: Broker, route: Route, observed: Topology) -> bool:
    """Send all orders past own queues, as before a route goes; whether any was led to one."""
    router = naming.router(route.namespace, route.name)
    found = [b for b in observed.bindings if b.source == router and naming.is_own_queue(b.target)]
    if found:
        await broker.run(in_order(map(Unbind, sorted(found, key=lambda binding: binding.key))))
    return bool(found)


def own_by_tier(route: Route, own: OwnQueues) -> dict[str, tuple[str, ...]]:
    """The names of own queues that each tier's stable pods consume."""
    place = (route.namespace, route.name)
    found: defaultdict[str, list[str]] = defaultdict(list)
    for merchant, queue in own.queues.items():
        found[queue.tier].append(naming.own_queue(*place, merchant))
    return {tier: tuple(sorted(names)) for tier, names in found.items()}


def stranded(route: Route, own: OwnQueues, tiers: Mapping[str, TierPods]) -> Iterator[tuple[str, str]]:
    """Queues with orders that are not led to, of tiers whose pods all are of a version that consumes none: to the
    router.
    """
    place = (route.namespace, route.name)
    for merchant, queue in own.queues.items():
        waiting, pods = own.waiting.get(merchant), tiers.get(queue.tier)
        if queue.stage != "Open" and waiting and waiting.ready and pods and pods.ready and not pods.live:
            yield naming.own_queue(*place, merchant), naming.router(*place)


async def unworked_queues(
    broker: Broker, route: Route, own: OwnQueues, names: Collection[str]
) -> tuple[tuple[str, str], ...]:
    """Of own queues with orders those that no pod works, and the exchange of their tier's lane, as a route goes.

    Such are held ones, and those whose pods have gone: a configuration that names new pods is not written any more.
    """
    if not names:
        return ()
    place = (route.namespace, route.name)
    live, tiers = await broker.live(names), {tier.name for tier in route.tiers}
    known = {naming.own_queue(*place, merchant): queue for merchant, queue in own.queues.items()}
    found = []
    for name in sorted(names):
        queue = known.get(name)
        if (queue is not None and not queue.share) or (name in live and not live[name].consumers):
            tier = queue.tier if queue is not None and queue.tier in tiers else route.default_tier
            found.append((name, naming.stable_exchange(*place, tier)))
    return tuple(found)


def _wanted(own: OwnQueues) -> list[tuple[str, OwnQueue]]:
    return [(merchant, queue) for merchant, queue in own.queues.items() if queue.stage != "Closing"]
