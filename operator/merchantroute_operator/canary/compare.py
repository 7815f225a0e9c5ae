"""Compares a canary's failures and durations with the stable lane's.

Both lanes get orders of the same merchants, parted by order id. So what a merchant does shows in both, and a
difference is the canary's own.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

from merchantroute_operator.canary.progress import Evidence, Tally
from merchantroute_operator.spec.route import Walk

FEWEST = 20  # attempts before a figure is one
SURE = 3.0  # standard deviations by which failures must be above what is allowed: chance does it once in 700 looks
UNREADY = 30.0  # seconds without a ready pod, by its own doing


def worse(walk: Walk, seen: Evidence) -> str:
    """Why the canary has to go back, with the figures; empty if it does not."""
    return next((words for test in _TESTS if (words := test(walk, seen))), "")


def figures(seen: Evidence) -> str:
    """Both lanes in words."""
    return f"canary {_lane(seen.canary)}; stable {_lane(seen.stable)}"


def _has_no_pod(walk: Walk, seen: Evidence) -> str:
    del walk
    if seen.failing_for < UNREADY:
        return ""
    return f"its pods run, and none has become ready or stayed so for {seen.failing_for:.0f} s"


def _fails(walk: Walk, seen: Evidence) -> str:
    """Without the stable lane's figures nobody knows whether it is the canary that fails, or the merchants."""
    done = seen.canary.finished
    if done < FEWEST or seen.stable.finished < FEWEST:
        return ""
    allowed = min(1.0, seen.stable.failed / seen.stable.finished + walk.max_failure_ratio)
    expected = done * allowed
    if seen.canary.failed <= expected + SURE * sqrt(expected * (1 - allowed)):
        return ""
    return f"it fails more than {walk.max_failure_ratio:.1%} above the stable lane: {figures(seen)}"


def _is_slow(walk: Walk, seen: Evidence) -> str:
    """Orders that are not finished count with the time for which they have held a slot, so a hang shows too."""
    begun = seen.canary.finished + seen.canary_busy
    if begun < FEWEST or seen.stable.finished < FEWEST or not seen.stable.busy_seconds:
        return ""
    slowdown = (seen.canary.busy_seconds / begun) / (seen.stable.busy_seconds / seen.stable.finished)
    if slowdown <= walk.max_slowdown:
        return ""
    return f"an attempt takes {slowdown:.1f} times as long, {walk.max_slowdown:g} are allowed: {figures(seen)}"


_TESTS: tuple[Callable[[Walk, Evidence], str], ...] = (_has_no_pod, _fails, _is_slow)


def _lane(tally: Tally) -> str:
    if not tally.finished:
        return f"0 attempts, {tally.busy_seconds:.1f} slot-seconds"
    ratio, time = tally.failed / tally.finished, tally.busy_seconds / tally.finished
    return f"{tally.failed} of {tally.finished} attempts failed ({ratio:.1%}), {time:.2f} s each"
