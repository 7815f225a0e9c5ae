"""A tier's canary: a second lane with a share of the tier's orders, by hand or walked."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from json import dumps

from merchantroute_operator.spec.duration import seconds
from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.route import Canary, Raw, Tier, Walk
from merchantroute_operator.spec.sections.pods.pod_options import pod_options
from merchantroute_operator.spec.sections.scaling_policy import parse_scaling


def with_canary(tier: Tier, raw: Raw, worker: Raw, where: str, *, deadline: float) -> Tier:
    """``tier`` with the canary that its ``raw`` has; what the canary leaves out is as in the tier.

    ``where`` names the tier in the message of a ``SpecInvalid``; ``deadline`` (seconds) is an order's.
    """
    own = raw.get("canary")
    if own is None:
        return tier
    where = f"{where}.canary"
    # The tier's pods are laid over the worker's, the canary's over the tier's.
    base = {**worker, **tier.pod.fields, "image": tier.pod.image, "app": tier.pod.app, "command": tier.pod.command}
    lane = replace(
        tier,
        pool=own.get("pool", tier.pool),
        concurrency=own.get("concurrency", tier.concurrency),
        scaling=parse_scaling(own["scaling"], f"{where}.scaling") if "scaling" in own else tier.scaling,
        pod=pod_options(base, own, where, deadline=deadline),
    )
    walk = _walk(own, where)
    if (walk is None) == ("weight" not in own):
        raise SpecInvalid(f"{where}: write either weight (by hand) or steps (walked), such as weight: 5")
    weight = own.get("weight", 0)
    if not 0 <= weight <= 100:
        raise SpecInvalid(f"{where}.weight: {weight} is no percentage; write 0 to 100")
    return replace(tier, canary=Canary(tier=lane, weight=weight, walk=walk, plan=_plan(own)))


def _walk(raw: Raw, where: str) -> Walk | None:
    if not raw.get("steps"):
        return None
    steps = tuple(raw["steps"])
    if sorted(set(steps)) != list(steps) or not 1 <= steps[0] <= steps[-1] <= 100:
        raise SpecInvalid(f"{where}.steps: {list(steps)} do not rise from 1 to 100; write them like [5, 25, 50, 100]")
    return Walk(
        steps=steps,
        interval=seconds(raw.get("interval", "10m"), f"{where}.interval"),
        min_orders=raw.get("minOrders", 500),
        max_failure_ratio=float(raw.get("maxFailureRatio", 0.02)),
        max_slowdown=float(raw.get("maxSlowdown", 1.5)),
    )


def _plan(raw: Raw) -> str:
    return sha256(dumps(raw, sort_keys=True).encode()).hexdigest()[:12]
