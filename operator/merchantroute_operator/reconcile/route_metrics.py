"""Prometheus metrics of every route and lane: what the scaler saw, wanted and decided, and what the status says.

They are read from the operator's memory at each scrape: exact, as of the last tick, and gone with the route. Labels are
names from specs and words of closed lists, never a merchant. Whoever does not lead has none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from merchantroute_operator import naming
from merchantroute_operator.isolation.model import OwnQueue
from merchantroute_operator.kube.kube_port import Object
from merchantroute_operator.reconcile.state.context import Key
from merchantroute_operator.reconcile.state.lane import Lane
from merchantroute_operator.reconcile.state.own.own_memory import OwnQueues
from merchantroute_operator.reconcile.state.route_state import RouteState

_ROUTE = ("namespace", "route")
_LANE = (*_ROUTE, "tier", "lane")


@dataclass(frozen=True, slots=True)
class LaneGauge:
    """A figure of a lane; None, what is not known, is no sample."""

    name: str
    help: str
    of: Callable[[Lane, Object], float | None]


LANES = (
    LaneGauge(
        "merchantroute_operator_lane_queued",
        "Orders that wait in the lane's queue",
        lambda lane, _: None if lane.observation is None else lane.observation.queued,
    ),
    LaneGauge(
        "merchantroute_operator_lane_in_flight",
        "Orders that the lane's pods hold",
        lambda lane, _: None if lane.observation is None else lane.observation.in_flight,
    ),
    LaneGauge(
        "merchantroute_operator_lane_retrying", "Orders on the lane's delay queues", lambda lane, _: lane.retrying
    ),
    LaneGauge(
        "merchantroute_operator_lane_arrivals_per_second",
        "Orders that enter the lane's queue for the first time, over 15 s",
        lambda lane, _: None if lane.observation is None else lane.observation.arrival_rate,
    ),
    LaneGauge(
        "merchantroute_operator_lane_finished_per_second",
        "Attempts that the lane's pods finish, over 15 s",
        lambda lane, _: None if lane.observation is None else lane.observation.finished_rate,
    ),
    LaneGauge(
        "merchantroute_operator_lane_order_seconds",
        "Seconds for which an attempt holds a slot, smoothed",
        lambda lane, _: None if lane.decision is None else lane.decision.memory.order_time,
    ),
    LaneGauge(
        "merchantroute_operator_lane_slow_merchants", "Merchants that are slow in some pod", lambda lane, _: lane.slow
    ),
    LaneGauge(
        "merchantroute_operator_lane_pods",
        "Pods of the lane, ready or not",
        lambda _, live: live.get("status", {}).get("replicas", 0) if live else None,
    ),
    LaneGauge(
        "merchantroute_operator_lane_ready_pods",
        "Pods of the lane that are ready",
        lambda _, live: live.get("status", {}).get("readyReplicas", 0) if live else None,
    ),
    LaneGauge(
        "merchantroute_operator_lane_needed_pods",
        "Pods that the orders need, before minReplicas, maxReplicas and scaleDownAfter",
        lambda lane, _: None if lane.decision is None else lane.decision.needed,
    ),
    LaneGauge(
        "merchantroute_operator_lane_desired_pods",
        "Pods that the scaler has decided on",
        lambda lane, _: None if lane.decision is None else lane.decision.replicas,
    ),
)


class RouteMetrics(Collector):
    """Collects from ``states``, which the event loop's thread changes while a scrape's reads: each value is whole."""

    def __init__(self, states: Mapping[Key, RouteState]) -> None:
        self._states = states

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing is collected to learn names when it is registered."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Every series."""
        routes = [(key, state) for key, state in list(self._states.items()) if state.route is not None]
        yield from _of_lanes(routes)
        yield from _of_routes(routes)
        yield from _of_own_queues(routes)


@contextmanager
def exported(states: Mapping[Key, RouteState], registry: CollectorRegistry = REGISTRY) -> Iterator[None]:
    """For the time of the block, which is that of leading."""
    collector = RouteMetrics(states)
    registry.register(collector)
    try:
        yield
    finally:
        registry.unregister(collector)


def _of_lanes(routes: list[tuple[Key, RouteState]]) -> Iterator[GaugeMetricFamily]:
    lanes = [
        ((*key, *place), lane, state.deployments.get(_deployment(key, place), {}))
        for key, state in routes
        for place, lane in list(state.lanes.items())
    ]
    for gauge in LANES:
        family = GaugeMetricFamily(gauge.name, gauge.help, labels=_LANE)
        for labels, lane, live in lanes:
            if (value := gauge.of(lane, live)) is not None:
                family.add_metric(labels, value)
        yield family
    decided = LaneGauge(
        "merchantroute_operator_lane_decision", "1 with the reason for the number of pods", lambda *_: 1.0
    )
    family = GaugeMetricFamily(decided.name, decided.help, labels=(*_LANE, "reason"))
    for labels, lane, live in lanes:
        if lane.decision is not None:
            family.add_metric((*labels, lane.decision.reason), decided.of(lane, live) or 0.0)
    yield family


def _deployment(key: Key, place: tuple[str, str]) -> str:
    return naming.deployment(key[1], *place)


@dataclass(frozen=True, slots=True)
class RouteGauge:
    """A figure of a route."""

    name: str
    help: str
    of: Callable[[RouteState], float | None]


ROUTES = (
    RouteGauge("merchantroute_operator_dead_letters", "Orders in the route's dead letters", lambda state: state.dead),
    RouteGauge(
        "merchantroute_operator_route_failures",
        "Passes over the route that failed since the last good one",
        lambda state: state.schedule.failures,
    ),
    RouteGauge(
        "merchantroute_operator_route_merchants",
        "Merchants of the route, those of Merchant objects included",
        lambda state: len(state.route.merchants) if state.route is not None else None,
    ),
    RouteGauge(
        "merchantroute_operator_isolation_frozen",
        "1 while most merchants are slow at once, so that nobody is isolated or released by what pods see",
        lambda state: float(state.own.frozen is not None),
    ),
    RouteGauge(
        "merchantroute_operator_own_queues_without_room",
        "Merchants that need an own queue beside those that maxOwnQueues allows",
        lambda state: state.own.without_room,
    ),
    RouteGauge(
        "merchantroute_operator_failing_groups",
        "Groups of merchants of which no call succeeds, so that all have one share together",
        lambda state: sum(not past.released for past in state.own.memory.groups.values()),
    ),
)


@dataclass(frozen=True, slots=True)
class OwnGauge:
    """A figure of a tier's own queues, added up."""

    name: str
    help: str
    of: Callable[[OwnQueues, OwnQueue], float | None]


OWN_QUEUES = (
    OwnGauge(
        "merchantroute_operator_own_queue_waiting",
        "Orders that wait in the own queues of a tier's merchants",
        lambda own, queue: waiting.ready if (waiting := own.waiting.get(queue.merchant)) is not None else None,
    ),
    OwnGauge(
        "merchantroute_operator_own_queue_share",
        "Orders of own queues that a tier's pods may have in flight",
        lambda _, queue: queue.share,
    ),
    OwnGauge(
        "merchantroute_operator_own_queue_rate",
        "Orders of own queues with a rate, given or found, that may begin per second",
        lambda _, queue: queue.rate,
    ),
    OwnGauge(
        "merchantroute_operator_own_queues_paused",
        "Own queues of which no order begins, since their merchants asked for time",
        lambda _, queue: float(queue.paused_until > 0),
    ),
)


def _of_own_queues(routes: list[tuple[Key, RouteState]]) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
    queues = [(key, state.own, queue) for key, state in routes for queue in list(state.own.queues.values())]
    count = GaugeMetricFamily(
        "merchantroute_operator_own_queues",
        "Merchants with a queue of their own, by why and stage",
        labels=(*_ROUTE, "tier", "why", "stage"),
    )
    kinds = Counter((*key, queue.tier, queue.why, queue.stage) for key, _, queue in queues)
    for kind, number in kinds.items():
        count.add_metric(kind, number)
    yield count
    for gauge in OWN_QUEUES:
        family = GaugeMetricFamily(gauge.name, gauge.help, labels=(*_ROUTE, "tier"))
        sums: dict[tuple[str, ...], float] = {}
        for key, own, queue in queues:
            if (value := gauge.of(own, queue)) is not None:
                sums[(*key, queue.tier)] = sums.get((*key, queue.tier), 0.0) + value
        for labels, value in sums.items():
            family.add_metric(labels, value)
        yield family
    opened = CounterMetricFamily(
        "merchantroute_operator_own_queues_opened", "Own queues to which orders were led", labels=_ROUTE
    )
    seconds = CounterMetricFamily(
        "merchantroute_operator_own_queues_opening_seconds",
        "Seconds from the decision until orders were led there, added up",
        labels=_ROUTE,
    )
    for key, state in routes:
        opened.add_metric(key, state.own.opened)
        seconds.add_metric(key, state.own.seconds_to_open)
    yield from (opened, seconds)


def _of_routes(routes: list[tuple[Key, RouteState]]) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
    for gauge in ROUTES:
        family = GaugeMetricFamily(gauge.name, gauge.help, labels=_ROUTE)
        for key, state in routes:
            if (value := gauge.of(state)) is not None:
                family.add_metric(key, value)
        yield family
    repairs = CounterMetricFamily("merchantroute_operator_repairs", "Repairs of what others changed", labels=_ROUTE)
    for key, state in routes:
        repairs.add_metric(key, state.repairs)
    yield repairs
    conditions = GaugeMetricFamily(
        "merchantroute_operator_route_condition",
        "1 with each condition's answer and reason, as the status has them",
        labels=(*_ROUTE, "condition", "status", "reason"),
    )
    for key, state in routes:
        for each in (state.status.told or {}).get("conditions", ()):
            conditions.add_metric((*key, each["type"], each["status"], each["reason"]), 1.0)
    yield conditions
