"""What a lane's worker does at the broker, as permissions: it declares nothing, and reads its own lane's queue alone.

RabbitMQ compares a permission with an object's name, whatever its kind: a name may be both an exchange's and a queue's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from merchantroute_operator import naming
from merchantroute_operator.lane_users.broker_user import Permissions
from merchantroute_operator.spec.lane_specs import LaneSpec
from merchantroute_operator.spec.route import Route

NOTHING = "^$"
BUILT_IN_APP = "merchantroute_worker.app"
EVENTS = "celeryev"  # Celery's default event_exchange
COMPLETIONS = "MR_COMPLETIONS"  # the one variable of the worker's own that a route may set
_ANY_TIER = "[^.]+"


def permissions(route: Route, lane: LaneSpec, cluster: str) -> Permissions:
    """Those of the lane's user; ``cluster`` is the UID of kube-system."""
    return Permissions(configure=NOTHING, write=_one_of(_written(route, lane, cluster)), read=_one_of([_name(lane)]))


def _written(route: Route, lane: LaneSpec, cluster: str) -> Iterator[str]:
    """Patterns of the exchanges that the worker publishes to."""
    place = (route.namespace, route.name)
    yield re.escape(naming.dead(*place))
    yield re.escape(naming.suspect(*place))
    yield _ladder(route, lane)
    yield re.escape(naming.pulses_exchange(cluster))
    pod = lane.tier.pod
    if pod.command or pod.app != BUILT_IN_APP:
        # An app's tasks publish others: through the front door, or behind it once a deletion has closed it.
        yield re.escape(naming.front_door(*place))
        yield re.escape(naming.router(*place))
    if pod.events:
        yield re.escape(EVENTS)
    for variable in pod.fields.get("env", ()):
        if variable["name"] == COMPLETIONS and variable.get("value"):
            yield re.escape(variable["value"])


def _ladder(route: Route, lane: LaneSpec) -> str:
    """Its tier's. The suspect lane's orders wait on the default tier's, which may change while its pod runs."""
    tier = _ANY_TIER if lane.name == naming.SUSPECT else re.escape(lane.tier.name)
    return rf"{re.escape(naming.front_door(route.namespace, route.name))}\.{tier}\.retry"


def _name(lane: LaneSpec) -> str:
    return re.escape(lane.queue)


def _one_of(patterns: Iterator[str] | list[str]) -> str:
    return f"^({'|'.join(patterns)})$"
