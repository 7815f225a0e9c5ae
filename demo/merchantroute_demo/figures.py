"""Percentiles, and the ratio that says whether a hung merchant was felt by its neighbours."""

from collections.abc import Iterable


def percentile(values: Iterable[float], percent: float) -> float | None:
    """The smallest value that at least `percent` of all are not above (nearest rank); None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


def ratio(value: float | None, base: float | None) -> float | None:
    """How many times `base` a value is; None where either is missing."""
    return value / base if value is not None and base else None
