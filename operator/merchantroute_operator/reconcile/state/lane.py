"""What the scaler remembers of one lane, and the figures that the status shows of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from merchantroute_operator.canary.counting import Counting
from merchantroute_operator.reconcile.state.backoff import Backoff
from merchantroute_operator.scaling.figures import History
from merchantroute_operator.scaling.model import Decision, Memory, Observation
from merchantroute_operator.scaling.own_load import OwnHistory
from merchantroute_operator.topology.objects import QueueSample


@dataclass(slots=True)
class Lane:
    """One lane between ticks."""

    history: History = field(default_factory=History)
    memory: Memory = field(default_factory=Memory)
    counting: Counting = field(default_factory=Counting)
    observation: Observation | None = None
    decision: Decision | None = None
    retrying: int | None = None  # messages on all rungs
    slow: int | None = None  # merchants that are slow in some pod; None while no pod has reported
    paused: int | None = None  # merchants that asked some pod for time; None while no pod has reported
    generation: int = 0  # the oldest that a pod of the lane has loaded; 0 while none has reported
    backoff: Backoff = field(default_factory=Backoff)  # of writes of its number of pods
    renewed: str = ""  # the pod for which the lane was last scaled to none, so that a new one starts
    own: OwnHistory = field(default_factory=OwnHistory)  # of a stable lane: its merchants' own queues
    policies: dict[str, str] = field(default_factory=dict)  # queue -> policy that somebody put on it


def is_idle(lane: Lane) -> bool:
    """Whether the lane is known to hold no order, neither waiting nor under way."""
    seen = lane.observation
    return seen is not None and seen.fresh and (seen.queued, seen.in_flight, lane.retrying) == (0, 0, 0)


def retrying(rungs: dict[int, QueueSample]) -> int | None:
    """Orders on the ladder; None where a rung's figure is not known."""
    counts = [sample.messages for sample in rungs.values()]
    return None if None in counts else sum(count for count in counts if count is not None)
