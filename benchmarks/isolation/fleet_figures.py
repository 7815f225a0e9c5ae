"""What a run of the isolation simulation comes to, in figures. Waits are seconds from an order's arrival to its end."""

from bisect import bisect_left
from collections.abc import Collection, Iterable
from typing import Any

from benchmarks.isolation.fleet import Fleet
from benchmarks.isolation.fleet_orders import Happened
from benchmarks.isolation.isolation_scenarios import FAULT_AT, WARM, IsolationScenario

REACTION = 3.0
"""Seconds from a fault's beginning after which healthy merchants should not feel it."""


def figures(fleet: Fleet) -> dict[str, Any]:
    """The figures of one run; None where there is nothing to measure."""
    scenario, happened = fleet.scenario, fleet.happened
    odd, end = scenario.odd, scenario.healed_at if scenario.odd else scenario.seconds
    healthy = [(arrived, ended) for merchant, arrived, ended in happened.done if merchant not in odd]
    during = [(arrived, ended) for arrived, ended in healthy if FAULT_AT <= arrived < end]
    before = p(0.99, [(a, e) for a, e in healthy if WARM <= a < FAULT_AT])
    orders = sum(happened.orders.values())
    orders_of_healthy = sum(count for merchant, count in happened.orders.items() if merchant not in odd)
    refused = sum(count for merchant, count in happened.refusals.items() if merchant not in odd)
    return {
        "scenario": scenario.name,
        "policy": fleet.policy,
        "healthy_p50": p(0.5, healthy, WARM),
        "healthy_p99": p(0.99, healthy, WARM),
        "before_p99": before,
        "fault_p99": p(0.99, during),
        "fault_p99_from_3s": p(0.99, [(a, e) for a, e in during if a >= FAULT_AT + REACTION]),
        "refused_per_order": round(refused / max(1, orders_of_healthy), 4),
        "openings": len(happened.opened),
        "false_openings": sum(merchant not in odd for _, merchant in happened.opened),
        "isolated_after": _isolated_after(happened, odd),
        "amplification": round(1 + sum(happened.moves.values()) / max(1, orders), 3),
        "amplification_of_odd": _amplification_of_odd(happened, odd),
        "peak": _peak(happened, scenario),
        "rate_10s": _rate(happened, scenario),
        "recovery_seconds": _recovery(fleet),
        **_limited(fleet),
        "done": len(happened.done),
    }


def p(share: float, waits: Iterable[tuple[float, float]], since: float = 0.0) -> float | None:
    """A quantile of the waits of orders that arrived since then."""
    seconds = sorted(ended - arrived for arrived, ended in waits if arrived >= since)
    return round(seconds[min(len(seconds) - 1, int(share * len(seconds)))], 2) if seconds else None


def _isolated_after(happened: Happened, odd: Collection[int]) -> float | None:
    """Seconds from the fault's beginning to the latest binding of an odd merchant's queue."""
    bound = [at for merchant, at in happened.bound.items() if merchant in odd and at >= FAULT_AT]
    return round(max(bound) - FAULT_AT, 1) if bound else None


def _peak(happened: Happened, scenario: IsolationScenario) -> int | None:
    """The most orders of one odd merchant in flight once it is well again, or of one that has limits."""
    since = WARM if scenario.limits or scenario.flood else scenario.healed_at + 10.0
    return max((count for at, count in happened.begun if at >= since), default=None)


def _rate(happened: Happened, scenario: IsolationScenario) -> float | None:
    """The most orders per second, over any 10 s, of a merchant with a limit of its rate that began."""
    if not any(limits.max_rate for limits in scenario.limits.values()):
        return None
    began = [at for at, _ in happened.begun if at >= WARM]
    return max((bisect_left(began, at + 10.0) - place) / 10.0 for place, at in enumerate(began))


def _amplification_of_odd(happened: Happened, odd: Collection[int]) -> float | None:
    orders = sum(happened.orders[merchant] for merchant in odd)
    return round(1 + sum(happened.moves[merchant] for merchant in odd) / orders, 3) if orders else None


def _limited(fleet: Fleet) -> dict[str, Any]:
    """Of a merchant that takes so many orders a second, from when its limit began to when it was lifted: the part of
    these that were done, and the part of its answers that were 429.
    """
    scenario, happened = fleet.scenario, fleet.happened
    limited = {merchant for merchant, fault in scenario.faults.items() if fault == "429"}
    if not limited:
        return {"throughput": None, "limited_share": None}
    done = sum(m in limited and FAULT_AT <= at < scenario.healed_at for m, _, at in happened.done)
    answered = len(happened.limited)
    most = scenario.takes * (scenario.healed_at - FAULT_AT)
    return {"throughput": round(done / most, 3), "limited_share": round(answered / max(1, done + answered), 4)}


def _recovery(fleet: Fleet) -> float | None:
    """Seconds from healing (or a flood's beginning) until every order of odd merchants from before it is done.

    Infinite where some are not.
    """
    scenario, happened = fleet.scenario, fleet.happened
    if not scenario.odd or scenario.limits:
        return None
    since = FAULT_AT if scenario.flood else scenario.healed_at
    ends = [ended for merchant, arrived, ended in happened.done if merchant in scenario.odd and arrived <= since]
    if len(ends) < fleet.orders_of_odd_until(since):
        return float("inf")
    return round(max(ends, default=since) - since, 1)
