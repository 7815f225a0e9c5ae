"""The canary's state machine: what share of the tier's orders a canary gets now, and why.

(none) --first ready pod--> Fixed | Walking --each step passed--> ... --the last--> Completed
Walking --no ready pod for a minute, by no fault of its own--> Starting --a ready pod--> Walking, on the same step
   any --abort, or worse than stable while Walking--> Aborted (until spec.tiers[].canary changes)
   any --promote--> Promoted (everything to the canary, likewise)
"""

from __future__ import annotations

from dataclasses import replace

from merchantroute_operator.canary.compare import figures, worse
from merchantroute_operator.canary.progress import Evidence, Phase, Progress, Verb
from merchantroute_operator.spec.route import Canary, Walk

AWAY = 60.0  # seconds for which a walking canary's orders wait for a node, or for an image
_AT_WORK = frozenset({Phase.FIXED, Phase.WALKING, Phase.COMPLETED, Phase.PROMOTED})


def advance(before: Progress | None, tier: str, canary: Canary, seen: Evidence, verb: Verb | None = None) -> Progress:
    """The progress at ``seen.now``; ``before`` itself while nothing changes.

    Another plan begins anew. Where the one before it was at work the new one is at once: its lane has pods, and orders
    should not go back and forth for a number.
    """
    if verb == "abort":
        return _told(before, tier, canary, seen, Phase.ABORTED, 0)
    if verb == "promote":
        return _told(before, tier, canary, seen, Phase.PROMOTED, 100)
    if before is None or before.plan != canary.plan:
        if seen.ready or (before is not None and before.phase in _AT_WORK):
            return _begun(tier, canary, seen)
        waits = "waits for the canary's first ready pod; all orders go to stable"
        return Progress(tier, Phase.STARTING, 0, canary.plan, seen.now, message=waits)
    if before.phase is Phase.STARTING and seen.ready:
        return _begun(tier, canary, seen) if before.step is None else _resumed(before, canary, seen)
    if before.phase is Phase.WALKING and canary.walk is not None:
        return _walked(before, canary, canary.walk, seen)
    return before


def _told(before: Progress | None, tier: str, canary: Canary, seen: Evidence, phase: Phase, weight: int) -> Progress:
    if before is not None and (before.phase, before.plan) == (phase, canary.plan):
        return before
    words = f"by annotation, at {before.weight if before else 0} % of the orders"
    return Progress(tier, phase, weight, canary.plan, seen.now, message=words)


def _begun(tier: str, canary: Canary, seen: Evidence) -> Progress:
    if canary.walk is None:
        words = f"{canary.weight} % of the orders, as written"
        return Progress(tier, Phase.FIXED, canary.weight, canary.plan, seen.now, message=words)
    weight = canary.walk.steps[0]
    words = f"{weight} % of the orders, step 1 of {len(canary.walk.steps)}"
    return Progress(tier, Phase.WALKING, weight, canary.plan, seen.now, 0, words)


def _resumed(before: Progress, canary: Canary, seen: Evidence) -> Progress:
    if canary.walk is None or before.step is None:
        return _begun(before.tier, canary, seen)
    weight, steps = canary.walk.steps[before.step], len(canary.walk.steps)
    words = f"{weight} % of the orders, step {before.step + 1} of {steps}, after its pods were away"
    return replace(before, phase=Phase.WALKING, weight=weight, since=seen.now, message=words)


def _walked(before: Progress, canary: Canary, walk: Walk, seen: Evidence) -> Progress:
    tier, plan, step = before.tier, canary.plan, before.step or 0
    if why := worse(walk, seen):
        words = f"at {before.weight} % of the orders: {why}"
        return Progress(tier, Phase.ABORTED, 0, plan, seen.now, step, words)
    if seen.unready_for >= AWAY:
        words = f"has had no ready pod for {seen.unready_for:.0f} s; all orders go to stable until it has one again"
        return replace(before, phase=Phase.STARTING, weight=0, since=seen.now, step=step, message=words)
    if seen.in_step < walk.interval or seen.canary.finished < walk.min_orders:
        return before
    if step + 1 >= len(walk.steps):
        words = f"{before.weight} % of the orders, every step passed: {figures(seen)}"
        return Progress(tier, Phase.COMPLETED, before.weight, plan, seen.now, step, words, before.stable)
    weight = walk.steps[step + 1]
    words = f"{weight} % of the orders, step {step + 2} of {len(walk.steps)}, after {figures(seen)}"
    return Progress(tier, Phase.WALKING, weight, plan, seen.now, step + 1, words, seen.stable)
