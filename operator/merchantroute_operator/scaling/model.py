"""Values of the scaler. Rates are per second, times are seconds, ``now`` is monotonic seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from merchantroute_operator.isolation.model import GroupFigures, MerchantFigures
from merchantroute_operator.topology.objects import QueueSample


@dataclass(frozen=True, slots=True)
class Blocked:
    """How often code has blocked a gevent pod's hub since it started, and seconds of the longest and the latest block.

    The latest ended ``ago`` seconds before the pulse.
    """

    count: int
    longest: float
    latest: float
    ago: float


@dataclass(frozen=True, slots=True)
class Pulse:
    """A pod's heartbeat: cumulative counters since ``started``, as ``schema/pulse.json`` describes them.

    Of the message only what the operator uses: a pod may send more.
    """

    pod: str
    namespace: str
    route: str
    tier: str
    lane: str
    started: int  # ms since epoch
    at: float  # monotonic seconds at which the operator received it
    generation: int
    busy: int
    busy_seconds: float
    finished: int
    retried: int
    dead: int
    slow: frozenset[str] = frozenset()  # merchants that are slow in this pod
    paused: frozenset[str] = frozenset()  # merchants that asked this pod for time (429, Retry-After)
    credentials_refused: frozenset[str] = frozenset()  # merchants that refuse this pod's credentials (401, 403)
    forbidden: frozenset[str] = frozenset()  # merchants that led this pod to no address that the route allows
    blocked: Blocked | None = None  # None: it never happened, or an older pod does not know
    slots: int | None = None  # orders at a time; None of an older pod, which knows nothing of own queues
    active: int = 0  # merchants that had calls within the last minute
    fair_share: int = 0  # slots that one more merchant might have now
    merchants: Mapping[str, MerchantFigures] = field(default_factory=dict)
    groups: Mapping[str, GroupFigures] = field(default_factory=dict)  # of several active merchants
    slow_merchants: int = 0  # of the active ones, named or not


@dataclass(frozen=True, slots=True)
class QueueReading:
    """One queue's figures, and the monotonic second at which the operator read them."""

    at: float
    sample: QueueSample


@dataclass(frozen=True, slots=True)
class Observation:
    """One lane at one tick."""

    now: float
    queued: int | None  # ready in the lane; None: unknown
    in_flight: int | None  # unacked
    due_retries: float
    arrival_rate: float | None  # first-time arrivals
    finished_rate: float | None  # finished attempts, from pulses
    busy: float | None  # busy slots, from pulses
    replicas: int  # the Deployment's spec.replicas (0 is 0)
    ready_pods: int
    fresh: bool  # queue figures are not stale


@dataclass(frozen=True, slots=True)
class Memory:
    """What a lane's scaler remembers between ticks."""

    order_time: float | None = None  # S: seconds a slot is busy per attempt, None until measured
    # (now, replicas asked for) within scaleDownAfter, oldest first; each smaller than the one before it
    asked: tuple[tuple[float, int], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Decision:
    """How many pods, and why, in words that go into the event and the status."""

    replicas: int
    reason: str  # CamelCase, one of a documented list
    message: str
    memory: Memory
    needed: int | None = None  # what the orders need, before every limit; None: it was not asked
