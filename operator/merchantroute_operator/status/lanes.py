"""The lanes' figures and their sums in the status: what is not known is left out, never 0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from merchantroute_operator import naming
from merchantroute_operator.spec.route import Raw
from merchantroute_operator.status import faults
from merchantroute_operator.status.damping import Damping, damp_dead
from merchantroute_operator.status.reasons import Reason
from merchantroute_operator.status.suspect import EXPECTED
from merchantroute_operator.status.text import bounded
from merchantroute_operator.status.view import LaneView, View

_SUMMED = ("queued", "retrying", "inFlight", "replicas", "readyReplicas", "desiredReplicas")


def lanes(view: View) -> list[dict[str, Any]]:
    """One entry per lane, in the order of the spec's tiers; the route's own lane for suspect orders is the last."""
    return [lane_figures(lane) | _trouble(view, lane) for lane in view.lanes]


def lane_figures(lane: LaneView) -> dict[str, Any]:
    """One lane. ``replicas`` are its pods, ready or not; rates are per second, ``orderTime`` is seconds."""
    seen, decided = lane.observation, lane.decision
    figures: dict[str, Any] = {"tier": lane.tier, "lane": lane.lane, "queue": lane.queue, "retrying": lane.retrying}
    if seen is not None:
        figures |= {
            "queued": seen.queued,
            "inFlight": seen.in_flight,
            "arrivalRate": _rounded(seen.arrival_rate, 2),
            "doneRate": _rounded(seen.finished_rate, 2),
            "readyReplicas": seen.ready_pods,
        }
    if decided is not None:
        figures |= {
            "orderTime": _rounded(decided.memory.order_time, 3),
            "desiredReplicas": decided.replicas,
            "reason": bounded(f"{decided.reason}: {decided.message}"),
        }
    figures |= {
        "replicas": lane.pods,
        "slowMerchants": lane.slow,
        "pausedMerchants": lane.paused,
        "configGeneration": lane.generation,
    }
    return _known(figures)


def _trouble(view: View, lane: LaneView) -> dict[str, str]:
    """What keeps a pod of the lane, or its Deployment, from working; nothing where nothing does."""
    mine = {naming.LABEL_TIER: lane.tier, naming.LABEL_LANE: lane.lane}.items()

    def of_lane(things: Mapping[str, Raw]) -> Iterator[Raw]:
        return (each for _, each in sorted(things.items()) if mine <= each["metadata"].get("labels", {}).items())

    found = (*map(faults.of_pod, of_lane(view.pods)), *map(faults.of_deployment, of_lane(view.deployments)))
    fault = next((each for each in found if each is not None), None)
    if fault is None:
        return {}
    expected = lane.lane == naming.SUSPECT and fault.reason == Reason.CRASH_LOOP
    return {"message": bounded(fault.message + (EXPECTED if expected else ""))}


def totals(view: View, figures: Sequence[Raw], old: Raw, damping: Damping) -> dict[str, Any]:
    """Sums over all lanes as the status shows them; one unknown figure makes its sum unknown."""
    sums = {name: _sum(lane.get(name) for lane in figures) for name in _SUMMED} if figures else {}
    merchants = len(view.route.merchants) if view.route is not None else None
    dead = damp_dead(view.dead, old.get("dead"), damping)
    own = old.get("ownQueues") if view.own_queues is None else len(view.own_queues)
    return _known({**sums, "dead": dead, "merchants": merchants, "ownQueues": own})


def order_times(old: Raw) -> dict[tuple[str, str], float]:
    """(tier, lane) -> S as a status shows it: what was measured outlives a restart of the operator."""
    return {
        (lane["tier"], lane["lane"]): float(lane["orderTime"])
        for lane in old.get("lanes") or ()
        if lane.get("orderTime")
    }


def _sum(values: Iterable[int | None]) -> int | None:
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _known(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if value is not None}
