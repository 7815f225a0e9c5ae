"""Computes how many pods the present orders need, before the policy's limits."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from merchantroute_operator.scaling.model import Observation

USE = 0.7  # the share of a pod's slots that is planned with; the rest takes what comes unevenly
SMOOTHING = 0.2  # weight of the newest measurement in S, at a tick of 2 s


@dataclass(frozen=True, slots=True)
class Need:
    """``replicas`` that the orders need, and how that came about, in words."""

    replicas: int
    words: str


def order_time(observation: Observation, before: float | None) -> float | None:
    """S: seconds that an attempt holds a slot, smoothed: busy slots / finished attempts per second.

    Measured from the pods' pulses, not from the queue's acks: bounced orders would count as work. None until measured.
    """
    if not observation.finished_rate or not observation.busy:
        return before
    measured = observation.busy / observation.finished_rate
    return measured if before is None else before + SMOOTHING * (measured - before)


def need(observation: Observation, *, concurrency: int, order_time: float, drain_time: float) -> Need:
    """N = ceil((arrivals + (queued + due retries) / drain time) / (0.7 * mu)), mu = concurrency / S per pod.

    Orders in flight need nothing more: prefetch is what the slots hold. They do need their pod, so 0 is only for a
    lane with nothing queued, in flight, arriving or due.
    """
    waiting = (observation.queued or 0) + observation.due_retries
    arriving = observation.arrival_rate or 0.0
    per_pod = USE * concurrency / order_time
    demand = arriving + waiting / drain_time
    some = bool(waiting or arriving or observation.in_flight)
    replicas = max(ceil(round(demand / per_pod, 6)), 1 if some else 0)
    words = (
        f"{arriving:.1f} orders/s arrive, {waiting:.0f} wait for at most {drain_time:g}s; "
        f"a pod takes {per_pod:.1f}/s at {order_time:.2g}s an order"
    )
    return Need(replicas, words)
