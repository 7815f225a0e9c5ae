"""Builds the route's whole status at the end of a reconcile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from merchantroute_operator.spec.route import Raw
from merchantroute_operator.status.addresses_allowed import addresses_allowed
from merchantroute_operator.status.conditions import merge
from merchantroute_operator.status.conflicted import conflicted
from merchantroute_operator.status.credentials_accepted import credentials_accepted
from merchantroute_operator.status.damping import NO_DAMPING, Damping, damp_lanes, damp_own
from merchantroute_operator.status.drifted import drifted
from merchantroute_operator.status.isolating import isolating
from merchantroute_operator.status.lane_users_ready import lane_users_ready
from merchantroute_operator.status.lanes import lanes, totals
from merchantroute_operator.status.own_queues import entries
from merchantroute_operator.status.paused import paused
from merchantroute_operator.status.progressing import progressing
from merchantroute_operator.status.queues_ready import queues_ready
from merchantroute_operator.status.ready import ready
from merchantroute_operator.status.reconciling import reconciling
from merchantroute_operator.status.scaling_active import scaling_active
from merchantroute_operator.status.stalled import stalled
from merchantroute_operator.status.view import Condition, View
from merchantroute_operator.status.workers_available import workers_available

CONDITIONS = (
    ready,
    queues_ready,
    workers_available,
    scaling_active,
    progressing,
    isolating,
    paused,
    drifted,
    conflicted,
    credentials_accepted,
    addresses_allowed,
)
WHERE_ASKED = (lane_users_ready,)
"""Those that only a route has that asks for what they speak of."""
WHILE_TRUE = (reconciling, stalled)
"""Those that are left out while they are not true, as kstatus wants it of its own."""


def status(view: View, old: Raw, now: str, damping: Damping = NO_DAMPING) -> dict[str, Any]:
    """What to write; ``old`` is the status as last read, ``now`` RFC 3339.

    It speaks of the generation that the pass worked on, which may be behind the newest. The configuration's generation
    is kept when a pass did not come to it: were it lost, the count could begin anew. So are the canaries: one that was
    aborted would begin anew. So are the own queues: what was decided would be forgotten. And so is the broker: a change
    of it would not be noticed.
    """
    canaries = view.canaries if view.canaries is not None else old.get("canaries")
    queues = old.get("ownQueues") or ()
    if view.own_queues is not None:
        queues = damp_own(entries(view.own_queues.values(), view.own_waiting), queues, damping)
    generation = view.config_generation or old.get("configGeneration")
    broker = view.broker or old.get("broker")
    lane_figures = damp_lanes(lanes(view), old.get("lanes") or (), damping)
    return {
        "observedGeneration": view.generation,
        **({"configGeneration": generation} if generation else {}),
        **({"broker": broker} if broker else {}),
        "conditions": merge(
            old.get("conditions") or (),
            _conditions(view),
            generation=view.generation,
            now=now,
        ),
        "lanes": lane_figures,
        "totals": totals(view, lane_figures, old.get("totals") or {}, damping),
        **({"canaries": list(canaries)} if canaries else {}),
        **({"ownQueues": list(queues)} if queues else {}),
    }


def _conditions(view: View) -> Iterator[Condition]:
    for condition in CONDITIONS:
        yield condition(view)
    for optional in (*WHERE_ASKED, *WHILE_TRUE):
        if (found := optional(view)) is not None:
            yield found
