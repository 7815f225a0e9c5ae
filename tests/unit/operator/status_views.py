"""Passes to tell of, and the objects that they saw."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from merchantroute_operator import naming
from merchantroute_operator.scaling.model import Decision, Memory, Observation
from merchantroute_operator.status.view import LaneView, View
from tests.unit.operator.route_samples import a_route

ROUTE = a_route(merchants={"m0": "enterprise"})
SEEN = Observation(
    now=0.0,
    queued=7,
    in_flight=3,
    due_retries=0.0,
    arrival_rate=1.234,
    finished_rate=5.678,
    busy=3.0,
    replicas=2,
    ready_pods=2,
    fresh=True,
)


def a_deployment(tier: str, *, replicas: int = 1, ready: int | None = None, **status: Any) -> dict[str, Any]:
    """A live Deployment, rolled out."""
    return {
        "metadata": {
            "name": naming.deployment("pos", tier, "stable"),
            "labels": naming.labels("pos", tier, "stable"),
            "generation": 2,
        },
        "spec": {"replicas": replicas},
        "status": {
            "observedGeneration": 2,
            "replicas": replicas,
            "updatedReplicas": replicas,
            "readyReplicas": replicas if ready is None else ready,
            **status,
        },
    }


def a_pod(name: str = "pos-1", *, ready: bool = True, tier: str = "enterprise", **status: Any) -> dict[str, Any]:
    """A live pod of the tier's lane; ``status`` is added to its status."""
    conditions = [{"type": "Ready", "status": str(ready)}]
    metadata = {"name": name, "labels": naming.labels("pos", tier, "stable")}
    return {"metadata": metadata, "status": {"conditions": conditions, **status}}


def a_lane(tier: str, *, reason: str = "Steady", replicas: int = 2, **seen: Any) -> LaneView:
    """A lane that the scaler has looked at."""
    decision = Decision(replicas, reason, "because", Memory(order_time=0.51239))
    observation = replace(SEEN, **seen)
    queue = f"mr.orders.pos.{tier}.stable"
    return LaneView(tier, "stable", queue, observation, decision, retrying=4, slow=1, paused=0, pods=3, generation=9)


def a_view(**changes: Any) -> View:
    """A route that is as it should be, but for ``changes``."""
    deployments = (a_deployment("enterprise"), a_deployment("standard"))
    good = View(
        generation=3,
        route=ROUTE,
        queues_ready=True,
        door_open=True,
        config_generation=9,
        deployments={d["metadata"]["name"]: d for d in deployments},
        pods={"pos-1": a_pod()},
        lanes=(a_lane("enterprise"), a_lane("standard")),
        dead=1,
        own_queues={},
    )
    return replace(good, **changes)


def with_deployments(*deployments: dict[str, Any]) -> dict[str, Any]:
    """As ``View.deployments``."""
    return {deployment["metadata"]["name"]: deployment for deployment in deployments}


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    """The status of a pod whose container waits."""
    state = {"waiting": {"reason": reason, "message": message}}
    return {"containerStatuses": [{"image": "worker:9", "state": state, "ready": False, **more}]}


def one_pod(**about: Any) -> dict[str, Any]:
    """The lane's only pod."""
    deployments = with_deployments(a_deployment("enterprise", ready=0), a_deployment("standard"))
    return {"pods": {"pos-1": a_pod(ready=False, **about)}, "deployments": deployments}
