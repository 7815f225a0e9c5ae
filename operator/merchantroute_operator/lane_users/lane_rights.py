"""What a lane's worker does at the broker, as permissions: it declares nothing, and reads its own lane's queue alone.

A tier's stable lane reads its merchants' own queues as well, each by its name: they begin alike for all tiers. It sends
orders to those through the router; to there its ladder leads any order, too.

RabbitMQ compares a permission with an object's name, whatever its kind: a name may be both an exchange's and a queue's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from merchantroute_operator import naming
from merchantroute_operator.lane_users.broker_user import Permissions
from merchantroute_operator.spec.route import Route

NOTHING = "^$"
_ANY_TIER = "[^.]+"


class LaneName(NamedTuple):
    """A lane by its words: one that the spec has no more, and that is being drained, has rights too."""

    tier: str  # suspect for the route's lane of suspect orders
    name: str  # stable | canary | suspect


def permissions(
    route: Route, lane: LaneName, cluster: str, also: Collection[str] = (), own: Collection[str] = ()
) -> Permissions:
    """Those of the lane's user. ``cluster`` is the UID of kube-system.

    ``also`` are the names of exchanges that the lane's pods write to beyond what every worker does, ``own`` those of
    the tier's merchants' own queues.
    """
    written = (*_written(route, lane, cluster), *map(re.escape, sorted(also)))
    read = [re.escape(_queue(route, lane)), *(_own(route, own) if lane.name == naming.STABLE else ())]
    return Permissions(configure=NOTHING, write=_one_of(dict.fromkeys(written)), read=_one_of(read))


def _queue(route: Route, lane: LaneName) -> str:
    place = (route.namespace, route.name)
    return naming.suspect(*place) if lane.name == naming.SUSPECT else naming.lane_queue(*place, *lane)


def _own(route: Route, queues: Collection[str]) -> list[str]:
    """One pattern for all: what they have in common stands in it once."""
    prefix = f"{naming.front_door(route.namespace, route.name)}.{naming.OWN}."
    ends = "|".join(sorted(queue.removeprefix(prefix) for queue in queues))
    return [f"{re.escape(prefix)}({ends})"] if ends else []


def _written(route: Route, lane: LaneName, cluster: str) -> Iterator[str]:
    """Patterns of the exchanges that every worker of the lane publishes to."""
    place = (route.namespace, route.name)
    yield re.escape(naming.dead(*place))
    yield re.escape(naming.suspect(*place))
    yield _ladder(route, lane)
    if lane.name == naming.STABLE:
        yield re.escape(naming.router(*place))
    yield re.escape(naming.pulses_exchange(cluster))


def _ladder(route: Route, lane: LaneName) -> str:
    """Its tier's. The suspect lane's orders wait on the default tier's, which may change while its pod runs."""
    tier = _ANY_TIER if lane.name == naming.SUSPECT else re.escape(lane.tier)
    return rf"{re.escape(naming.front_door(route.namespace, route.name))}\.{tier}\.retry"


def _one_of(patterns: Iterable[str]) -> str:
    return f"^({'|'.join(patterns)})$"
