"""The trend of a pod's memory over a soak, and whether it is flat. Pure."""

from collections.abc import Sequence
from statistics import median

WARM = 0.2  # of the samples are the warm-up: pools fill, and the first of everything is imported
MOST_GROWTH = 0.10
LEAST_GROWTH = 5.0  # MB; the allocator's own grain


def growth(samples: Sequence[float]) -> float:
    """How many MB the last fifth is above the first one after the warm-up, by their medians."""
    warm = samples[int(len(samples) * WARM) :]
    part = max(1, len(warm) // 5)
    return median(warm[-part:]) - median(warm[:part])


def flat(samples: Sequence[float]) -> bool:
    """Whether that is less than a tenth, or than the grain."""
    warm = samples[int(len(samples) * WARM) :]
    return growth(samples) <= max(LEAST_GROWTH, MOST_GROWTH * warm[0])
