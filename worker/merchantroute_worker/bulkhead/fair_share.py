"""Max-min fair share of a pod's slots: how many one merchant may have, so that the others keep theirs. Pure."""

from collections.abc import Iterable
from math import sqrt

HEADROOM = 2.0
"""Standard deviations by which calls in flight vary when orders arrive by chance (Poisson): rarely exceeded."""


def fair_share(others: Iterable[int], slots: int) -> float:
    """Give the slots that a merchant may have: an equal part, or what others with fewer slots do not need. `others` are
    the slots in use by each other merchant.
    """
    in_use = sorted(others)
    needed, sharers = 0, len(in_use) + 1
    for count in in_use:
        if needed + count * sharers > slots:
            break
        needed += count
        sharers -= 1
    return max(slots / (len(in_use) + 1), (slots - needed - HEADROOM * sqrt(needed)) / sharers)
