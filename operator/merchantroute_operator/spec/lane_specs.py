"""The lanes of a route: each tier's own and its canary, and the route's lane for suspect orders.

An order is suspect when it has come back twice: it may have killed the pods that held it. It is worked alone, one slot
in at most one pod, so that it can take no other order with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from merchantroute_operator import naming
from merchantroute_operator.spec.route import Route, Scaling, Tier


@dataclass(frozen=True, slots=True)
class LaneSpec:
    """A queue and the Deployment that consumes it; the slots, pods and scaling of ``tier``."""

    name: str  # stable | canary | suspect
    tier: Tier
    queue: str
    deployment: str
    rungs: tuple[tuple[int, str], ...]  # (longest wait in ms, queue) of the lane's own ladder


def lanes(route: Route) -> tuple[LaneSpec, ...]:
    """All of them, tiers in the spec's order, each with its canary behind it; none where the spec could not be read."""
    tiers = (lane for tier in route.tiers for lane in (_stable(route, tier), *_canary(route, tier)))
    return (*tiers, *((_suspect(route),) if route.tiers else ()))


def suspect_tier(route: Route) -> Tier:
    """What a tier would be that had the suspect lane for its own: the default tier with one slot and at most one pod.

    A tier cannot have this name, so it stands for the route's own lane wherever a tier is named. A paused tier does
    not pause it; a route of which every tier may have no pods (``maxReplicas`` 0) calls nobody, so neither does this.
    """
    like = route.tier(route.default_tier)
    return Tier(
        name=naming.SUSPECT,
        pool=like.pool,
        concurrency=1,
        max_in_flight=1,
        scaling=Scaling(
            min_replicas=0,
            max_replicas=min(1, max(tier.scaling.max_replicas for tier in route.tiers)),
            target_drain_time=like.scaling.target_drain_time,
            scale_down_after=like.scaling.scale_down_after,
            assumed_order_time=like.scaling.assumed_order_time,
            paused=False,
        ),
        pod=like.pod,
    )


def _stable(route: Route, tier: Tier) -> LaneSpec:
    place = (route.namespace, route.name, tier.name)
    return LaneSpec(
        name=naming.STABLE,
        tier=tier,
        queue=naming.stable_queue(*place),
        deployment=naming.deployment(route.name, tier.name, naming.STABLE),
        rungs=tuple((ms, naming.rung_queue(*place, ms)) for ms in route.orders.rungs),
    )


def _canary(route: Route, tier: Tier) -> tuple[LaneSpec, ...]:
    """Its orders wait on the tier's ladder, which is the lane ``stable``'s to count."""
    if tier.canary is None:
        return ()
    lane = LaneSpec(
        name=naming.CANARY,
        tier=tier.canary.tier,
        queue=naming.canary_queue(route.namespace, route.name, tier.name),
        deployment=naming.deployment(route.name, tier.name, naming.CANARY),
        rungs=(),
    )
    return (lane,)


def _suspect(route: Route) -> LaneSpec:
    """Its orders wait on the default tier's ladder, which is that tier's to count."""
    return LaneSpec(
        name=naming.SUSPECT,
        tier=suspect_tier(route),
        queue=naming.suspect(route.namespace, route.name),
        deployment=naming.deployment(route.name, naming.SUSPECT, naming.SUSPECT),
        rungs=(),
    )
