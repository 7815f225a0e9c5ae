"""Builds the route's whole status at the end of a reconcile."""

from __future__ import annotations

from typing import Any

from merchantroute_operator.spec.route import Raw
from merchantroute_operator.status.conditions import merge
from merchantroute_operator.status.conflicted import conflicted
from merchantroute_operator.status.credentials_accepted import credentials_accepted
from merchantroute_operator.status.damping import damp_lanes
from merchantroute_operator.status.drifted import drifted
from merchantroute_operator.status.lanes import lanes, totals
from merchantroute_operator.status.paused import paused
from merchantroute_operator.status.progressing import progressing
from merchantroute_operator.status.queues_ready import queues_ready
from merchantroute_operator.status.ready import ready
from merchantroute_operator.status.scaling_active import scaling_active
from merchantroute_operator.status.view import View
from merchantroute_operator.status.workers_available import workers_available

CONDITIONS = (
    ready,
    queues_ready,
    workers_available,
    scaling_active,
    progressing,
    paused,
    drifted,
    conflicted,
    credentials_accepted,
)


def status(view: View, old: Raw, now: str, *, figures_may_move: bool = True) -> dict[str, Any]:
    """What to write; ``old`` is the status as last read, ``now`` RFC 3339; see ``damping`` for when figures may move.

    It speaks of the generation that the pass worked on, which may be behind the newest. The configuration's generation
    is kept when a pass did not come to it: were it lost, the count could begin anew. So are the canaries: one that was
    aborted would begin anew. And so is the broker: a change of it would not be noticed.
    """
    canaries = view.canaries if view.canaries is not None else old.get("canaries")
    generation = view.config_generation or old.get("configGeneration")
    broker = view.broker or old.get("broker")
    lane_figures = damp_lanes(lanes(view), old.get("lanes") or (), may_move=figures_may_move)
    return {
        "observedGeneration": view.generation,
        **({"configGeneration": generation} if generation else {}),
        **({"broker": broker} if broker else {}),
        "conditions": merge(
            old.get("conditions") or (),
            (condition(view) for condition in CONDITIONS),
            generation=view.generation,
            now=now,
        ),
        "lanes": lane_figures,
        "totals": totals(view, lane_figures, old.get("totals") or {}, may_move=figures_may_move),
        **({"canaries": list(canaries)} if canaries else {}),
    }
