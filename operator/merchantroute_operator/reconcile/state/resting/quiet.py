"""Whether a route may do without the full reconcile that is due by time alone: nothing has happened to it. Pure.

Whatever changes an object of the route, what it refers to, or its part of the broker, asks for a full reconcile at
once: watches of the API server do, and the comparison of the broker with what the last reconcile left. So one that is
due by time alone would read everything only to find it as it was. Some are made all the same; and where orders flow,
workers wait for the configuration's date to be renewed.
"""

from __future__ import annotations

from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.reconcile.state.lane import is_idle
from merchantroute_operator.reconcile.state.route_state import RouteState

IDLE = 3600.0  # seconds between two full reconciles of a route that has no orders and to which nothing happens
CLAIMED = 300.0  # seconds between those of one with Merchant objects, which are listed anew as often
BUSY = 60.0  # seconds between those of one that has orders
COMPARISONS = 2.0  # of the time between two of them: a broker that was not compared for longer may be anything


def has_settled(findings: Findings) -> bool:
    """Whether a reconcile that ended without an error left nothing to do, and nothing that only time brings about."""
    route = findings.route
    return (
        route is not None
        and findings.error is None
        and findings.users.problem is None
        and not findings.pause.holds
        and not findings.merchants.behind
        and not findings.merchants.credential_problems
        and not findings.merchants.claim_problems
        and not findings.configuration.gate.overdue
        and not findings.configuration.superseded
        and all(tier.canary is None for tier in route.tiers)
    )


def is_quiet(state: RouteState, now: float, resync: float) -> bool:
    """Whether a full reconcile that is due at ``now`` would find all as it was; times are monotonic seconds."""
    schedule = state.schedule
    return (
        schedule.settled
        and not schedule.failures
        and state.findings is not None
        and now - schedule.passed_at < _longest(state)
        and now - max(schedule.passed_at, schedule.compared_at) < COMPARISONS * resync
    )


def _longest(state: RouteState) -> float:
    if not state.lanes or not all(map(is_idle, state.lanes.values())):
        return BUSY
    return CLAIMED if state.findings is not None and state.findings.merchants.claimed else IDLE
