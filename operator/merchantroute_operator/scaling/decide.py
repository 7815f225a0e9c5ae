"""Decides how many pods a lane should have now, and why. Pure; the caller acts and remembers."""

from __future__ import annotations

from merchantroute_operator.scaling import scale_reasons
from merchantroute_operator.scaling.model import Decision, Memory, Observation
from merchantroute_operator.scaling.need import Need, need, order_time
from merchantroute_operator.spec.route import Scaling


def decide(observation: Observation, policy: Scaling, concurrency: int, memory: Memory) -> Decision:
    """The decision at one tick; ``concurrency`` is the slots of one pod.

    Growing is immediate, shrinking goes to the maximum asked for over ``scaleDownAfter``. Without figures the number
    is held, within the policy's limits. Guards that look at the past (whether added pods brought anything) belong
    between ``need`` and ``_settle``.
    """
    spent = order_time(observation, memory.order_time)
    if policy.paused:
        held = Memory(spent, ())
        return Decision(observation.replicas, scale_reasons.PAUSED, f"Paused at {_pods(observation.replicas)}", held)
    if not observation.fresh or observation.queued is None or observation.in_flight is None:
        replicas = _within(policy, observation.replicas)
        message = f"Held at {_pods(replicas)}: the queue's figures are missing or stale"
        return Decision(replicas, scale_reasons.FIGURES_STALE, message, Memory(spent, memory.asked))
    needed = need(
        observation,
        concurrency=concurrency,
        order_time=spent or policy.assumed_order_time,
        drain_time=policy.target_drain_time,
    )
    return _settle(observation, policy, needed, Memory(spent, _asked(observation, policy, needed, memory)))


def _asked(observation: Observation, policy: Scaling, needed: Need, memory: Memory) -> tuple[tuple[float, int], ...]:
    """What was asked for within ``scaleDownAfter``, this tick included.

    Without a past (the operator has just started) the present number of pods counts as asked for now, and so it does
    while the rate of arrivals is unknown: nothing shrinks before it has been watched for long enough.
    """
    now = observation.now
    asked = _within(policy, needed.replicas)
    if not memory.asked or observation.arrival_rate is None:
        asked = max(asked, _within(policy, observation.replicas))
    # An older and smaller number can never again be the maximum.
    kept = [(at, n) for at, n in memory.asked if now - at < policy.scale_down_after and n > asked]
    return (*kept, (now, asked))


def _settle(observation: Observation, policy: Scaling, needed: Need, memory: Memory) -> Decision:
    have = observation.replicas
    target = max(n for _, n in memory.asked)
    target = _within(policy, target)
    reason = _reason(have, target, _within(policy, needed.replicas), needed, policy)
    verb = "Held at" if target == have else f"From {have} to"
    return Decision(target, reason, f"{verb} {_pods(target)}: {needed.words}", memory, needed.replicas)


def _reason(have: int, target: int, wanted: int, needed: Need, policy: Scaling) -> str:
    if needed.replicas > policy.max_replicas:
        return scale_reasons.AT_MAXIMUM
    if target > have:
        return scale_reasons.WOKEN if have == 0 else scale_reasons.GROWING
    if target > wanted:
        return scale_reasons.COOLING_DOWN if target == have else scale_reasons.SHRINKING
    if target == 0:
        return scale_reasons.IDLE
    if target < have:
        return scale_reasons.SHRINKING
    return scale_reasons.AT_MINIMUM if needed.replicas < policy.min_replicas else scale_reasons.STEADY


def _within(policy: Scaling, replicas: int) -> int:
    return min(max(replicas, policy.min_replicas), policy.max_replicas)


def _pods(count: int) -> str:
    return "1 pod" if count == 1 else f"{count} pods"
