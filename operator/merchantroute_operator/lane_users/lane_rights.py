"""What a lane's worker does at the broker, as permissions: it declares nothing, and reads its own lane's queue alone.

RabbitMQ compares a permission with an object's name, whatever its kind: a name may be both an exchange's and a queue's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from merchantroute_operator import naming
from merchantroute_operator.lane_users.broker_user import Permissions
from merchantroute_operator.spec.lane_specs import LaneSpec
from merchantroute_operator.spec.route import Route

NOTHING = "^$"
_ANY_TIER = "[^.]+"


def permissions(route: Route, lane: LaneSpec, cluster: str, also: Collection[str] = ()) -> Permissions:
    """Those of the lane's user. ``cluster`` is the UID of kube-system.

    ``also`` are the names of exchanges that the lane's pods write to beyond what every worker does.
    """
    written = (*_written(route, lane, cluster), *map(re.escape, sorted(also)))
    return Permissions(configure=NOTHING, write=_one_of(written), read=_one_of([re.escape(lane.queue)]))


def _written(route: Route, lane: LaneSpec, cluster: str) -> Iterator[str]:
    """Patterns of the exchanges that every worker of the lane publishes to."""
    place = (route.namespace, route.name)
    yield re.escape(naming.dead(*place))
    yield re.escape(naming.suspect(*place))
    yield _ladder(route, lane)
    yield re.escape(naming.pulses_exchange(cluster))


def _ladder(route: Route, lane: LaneSpec) -> str:
    """Its tier's. The suspect lane's orders wait on the default tier's, which may change while its pod runs."""
    tier = _ANY_TIER if lane.name == naming.SUSPECT else re.escape(lane.tier.name)
    return rf"{re.escape(naming.front_door(route.namespace, route.name))}\.{tier}\.retry"


def _one_of(patterns: Iterable[str]) -> str:
    return f"^({'|'.join(patterns)})$"
