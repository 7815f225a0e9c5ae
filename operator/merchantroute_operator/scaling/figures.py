"""Computes a lane's rates from readings of its queue and pulses of its pods.

Counters are differenced here, over a window: the management API's own ``rate`` is spiky, its figures are up to 5 s
old, and they carry no time, so a sample that has not changed may simply be the same sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from merchantroute_operator.scaling.model import Observation, Pulse, QueueReading
from merchantroute_operator.spec.route import Scaling
from merchantroute_operator.topology.objects import QueueSample

WINDOW = 15.0  # seconds that rates look back
STALE = 15.0  # seconds after which figures are not used any more
PERIOD = 5.0  # seconds between two of the broker's own samples of a queue


@dataclass(frozen=True, slots=True)
class History:
    """Distinct readings of a lane's queue and its pods' pulses, newest last, back over the window."""

    readings: tuple[QueueReading, ...] = ()
    read_at: float | None = None  # the last reading, also if it showed nothing new
    pulses: Mapping[str, tuple[Pulse, ...]] = field(default_factory=dict)


def remember(history: History, *, reading: QueueReading | None, pulses: Iterable[Pulse], now: float) -> History:
    """Take in the newest reading (None: there is none) and the newest pulse of each of the lane's pods."""
    readings, read_at = history.readings, history.read_at
    if reading is not None:
        read_at = reading.at
        if not readings or readings[-1].sample != reading.sample:
            readings = (*readings, reading)
    oldest = now - WINDOW
    before = [r for r in readings[:-1] if r.at <= oldest]
    return History(
        readings=(*before[-1:], *(r for r in readings if r.at > oldest or r is readings[-1])),
        read_at=read_at,
        pulses={pulse.pod: _series(history.pulses.get(pulse.pod, ()), pulse, oldest) for pulse in pulses},
    )


def observe(
    history: History,
    *,
    now: float,
    rungs: Mapping[int, QueueSample],
    policy: Scaling,
    replicas: int,
    ready_pods: int,
) -> Observation:
    """The lane at this tick. ``rungs`` is TTL in ms -> sample; ``replicas`` is the Deployment's, where 0 is 0."""
    sample = history.readings[-1].sample if history.readings else None
    due = due_retries(rungs, policy.target_drain_time)
    finished_rate, busy = (0.0, 0.0) if replicas == 0 else _work(history.pulses, now)
    return Observation(
        now=now,
        queued=sample.ready if sample else None,
        in_flight=sample.unacked if sample else None,
        due_retries=due or 0.0,
        arrival_rate=_arrivals(history.readings, now),
        finished_rate=finished_rate,
        busy=busy,
        replicas=replicas,
        ready_pods=ready_pods,
        fresh=due is not None and history.read_at is not None and now - history.read_at <= STALE,
    )


def observe_arrivals(history: History, now: float) -> float | None:
    """First-time arrivals per second in a queue; None until it has been watched for long enough."""
    return _arrivals(history.readings, now)


def due_retries(rungs: Mapping[int, QueueSample], drain_time: float) -> float | None:
    """Orders on the ladder that come back within the drain time; None if a rung's figure is unknown."""
    due = 0.0
    for ms, sample in rungs.items():
        if sample.messages is None:
            return None
        due += sample.messages * min(1.0, drain_time * 1000 / ms)
    return due


def _series(before: tuple[Pulse, ...], pulse: Pulse, oldest: float) -> tuple[Pulse, ...]:
    """A pod's pulses; a restarted container (another ``started``) counts from zero, so its past is dropped."""
    same = [p for p in before if p.started == pulse.started and p.at != pulse.at]
    start = [p for p in same if p.at <= oldest][-1:]
    return (*start, *(p for p in same if p.at > oldest), pulse)


def _arrivals(readings: tuple[QueueReading, ...], now: float) -> float | None:
    """First-time arrivals per second over the window; None until it has been watched for the broker's own period.

    A sample holds until the next one differs, so the one before the window says what the counter was at its start. The
    counter's last change may be as old as the broker's period without meaning that nothing arrives.
    """
    # A queue that is known, and that nothing was ever published to, has no counter: not since the broker started.
    counts = [(r.at, r.sample.published or 0) for r in readings if r.sample.messages is not None]
    if not counts:
        return None
    oldest = now - WINDOW
    base, first = next((count for count in reversed(counts) if count[0] <= oldest), counts[0])
    last, latest = counts[-1]
    if latest < first:  # the broker restarted: its counter began anew
        return None
    span = max(last, now - PERIOD) - max(base, oldest)
    return (latest - first) / span if span >= PERIOD else None


def _work(pulses: Mapping[str, tuple[Pulse, ...]], now: float) -> tuple[float | None, float | None]:
    """Finished attempts per second and busy slots, over all pods that report; None where none has twice."""
    rates, busy = [], []
    for series in pulses.values():
        first, last = series[0], series[-1]
        span = last.at - first.at
        if span <= 0 or now - last.at > STALE:
            continue
        # ``finished`` counts attempts, whatever came of them; what the bulkhead refused took no slot.
        rates.append((last.finished - first.finished) / span)
        busy.append((last.busy_seconds - first.busy_seconds) / span)
    return (sum(rates), sum(busy)) if rates else (None, None)
