"""The desired topology: all that a route should have in the broker, as a value.

    F front door  fanout -> R, AE R: it is never open without a way on, also between its birth and its binding
    R router      direct, AE A: own queues, and overlays of moves
    A assigned    direct, AE D: merchant id -> its tier
    D default     fanout -> the default tier, AE fallback
    fallback      fanout -> the default tier: catches while D is re-pointed
    T <tier>      fanout, AE <tier>.stable -> the lane's queue; with a canary one binding -> a split
    <tier>.split  x-consistent-hash on the order's id -> the queues of the lanes stable and canary, AE <tier>.stable
    <tier>.retry  headers -> rungs, AE <tier>.retry.last -> the longest delay; the rung of a second is for orders that
                  got no slot, those longer than the delays are for ETAs; all expire to R
    own.<hash>    one merchant's own queue: a binding on R leads its orders there, past A and its tier
    suspect       fanout -> the suspect lane's queue; workers publish to it, nothing leads there
    dead          fanout -> the dead letters

``retry.last`` has R as its alternate: while it is re-pointed, an order with an unknown rung returns without a wait
instead of being refused. ``suspect`` has none: an order that it cannot route is returned to the worker, which keeps it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from merchantroute_operator import naming
from merchantroute_operator.spec.route import Route, Tier
from merchantroute_operator.topology import arguments, splits
from merchantroute_operator.topology.objects import Binding, Exchange, Queue, Topology


def desired(
    route: Route,
    owner: str,
    assigned: Mapping[str, str],
    sides: Mapping[str, str] | None = None,
    own: Mapping[str, bool] | None = None,
) -> Topology:
    """The route's whole topology; ``assigned`` is merchant id -> tier, of those merchants that pods know.

    A tier in ``assigned`` may be one that the route no longer has: its merchants stay there until pods know better.
    ``sides`` is tier -> side of its split that orders take, from ``splits.choose``. ``own`` has the merchants with an
    own queue, and whether their orders are led to it.
    """
    sides, own = sides or {}, own or {}
    place = (route.namespace, route.name)
    exchanges = [*_trunk(place, owner), *(e for tier in route.tiers for e in _tier_exchanges(place, owner, tier))]
    parted = [(tier, sides[tier.name]) for tier in route.tiers if tier.name in sides]
    exchanges += [splits.exchange(place, owner, tier, side) for tier, side in parted]
    queues = [
        Queue(naming.dead(*place), arguments.dead_letters(owner)),
        Queue(naming.suspect(*place), arguments.lane(owner, naming.dead(*place))),
    ]
    for tier in route.tiers:
        queues += _tier_queues(place, owner, tier, route.orders.rungs)
    queues += [own_queue(place, owner, merchant) for merchant in own]
    return Topology(
        exchanges={exchange.name: exchange for exchange in exchanges},
        queues={queue.name: queue for queue in queues},
        bindings=frozenset(
            (
                *_bindings(place, route, assigned),
                *(own_binding(place, merchant) for merchant, is_bound in own.items() if is_bound),
                *(splits.way_to(place, tier, side) for tier, side in parted),
                *(share for tier, side in parted for share in splits.shares(place, tier, side)),
            )
        ),
    )


def own_queue(place: tuple[str, str], owner: str, merchant: str) -> Queue:
    """The queue of one merchant."""
    return Queue(naming.own_queue(*place, merchant), arguments.own(owner, naming.dead(*place), merchant))


def own_binding(place: tuple[str, str], merchant: str) -> Binding:
    """What leads a merchant's orders to its own queue."""
    return Binding(naming.router(*place), naming.own_queue(*place, merchant), "queue", key=merchant)


def _trunk(place: tuple[str, str], owner: str) -> Iterator[Exchange]:
    router, assigned, default, fallback = (
        name(*place) for name in (naming.router, naming.assigned, naming.default, naming.fallback)
    )
    yield Exchange(naming.front_door(*place), "fanout", arguments.exchange(owner, router))
    yield Exchange(router, "direct", arguments.exchange(owner, assigned))
    yield Exchange(assigned, "direct", arguments.exchange(owner, default))
    yield Exchange(default, "fanout", arguments.exchange(owner, fallback))
    yield Exchange(fallback, "fanout", arguments.exchange(owner))
    yield Exchange(naming.suspect(*place), "fanout", arguments.exchange(owner))
    yield Exchange(naming.dead(*place), "fanout", arguments.exchange(owner))


def _tier_exchanges(place: tuple[str, str], owner: str, tier: Tier) -> Iterator[Exchange]:
    stable, last = naming.stable_exchange(*place, tier.name), naming.retry_last(*place, tier.name)
    yield Exchange(naming.tier_exchange(*place, tier.name), "fanout", arguments.exchange(owner, stable))
    yield Exchange(stable, "fanout", arguments.exchange(owner))
    yield Exchange(naming.retry_exchange(*place, tier.name), "headers", arguments.exchange(owner, last))
    yield Exchange(last, "fanout", arguments.exchange(owner, naming.router(*place)))


def _tier_queues(place: tuple[str, str], owner: str, tier: Tier, rungs: tuple[int, ...]) -> Iterator[Queue]:
    yield Queue(naming.stable_queue(*place, tier.name), arguments.lane(owner, naming.dead(*place)))
    if tier.canary is not None:
        yield Queue(naming.canary_queue(*place, tier.name), arguments.lane(owner, naming.dead(*place)))
    for ms in rungs:
        yield Queue(
            naming.rung_queue(*place, tier.name, ms),
            arguments.rung(owner, naming.router(*place), ms),
        )


def _bindings(place: tuple[str, str], route: Route, assigned: Mapping[str, str]) -> Iterator[Binding]:
    yield Binding(naming.front_door(*place), naming.router(*place), "exchange")
    for name in (naming.suspect(*place), naming.dead(*place)):
        yield Binding(name, name, "queue")
    default_tier = naming.tier_exchange(*place, route.default_tier)
    yield Binding(naming.default(*place), default_tier, "exchange")
    yield Binding(naming.fallback(*place), default_tier, "exchange")
    exchange = naming.assigned(*place)
    tiers = {tier: naming.tier_exchange(*place, tier) for tier in set(assigned.values())}
    for merchant, its_tier in assigned.items():
        yield Binding(exchange, tiers[its_tier], "exchange", key=merchant)
    for tier in route.tiers:
        stable = naming.stable_queue(*place, tier.name)
        yield Binding(stable, stable, "queue")
        retry, last = naming.retry_exchange(*place, tier.name), naming.retry_last(*place, tier.name)
        for ms in route.orders.rungs:
            yield Binding(retry, naming.rung_queue(*place, tier.name, ms), "queue", rung=str(ms))
        yield Binding(last, naming.rung_queue(*place, tier.name, route.orders.delays[-1]), "queue")
