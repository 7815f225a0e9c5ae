"""Whose a child is: the labels of a lane's children, and those by which its pods are selected."""

from __future__ import annotations

from merchantroute_operator import naming
from merchantroute_operator.spec.lane_specs import LaneSpec
from merchantroute_operator.spec.route import Route


def lane_labels(route: Route, lane: LaneSpec) -> dict[str, str]:
    """Route, tier and lane."""
    return naming.labels(route.name, lane.tier.name, lane.name)
