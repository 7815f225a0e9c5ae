"""Which shards each Deployment of a route should mount, and which ones pods still mount and so must stay.

A pod template that names other objects is a rollout. So a Deployment keeps what it mounts while that suffices, and
changes to what the route needs when its pods are replaced for another reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from merchantroute_operator import naming
from merchantroute_operator.resources.configuration.sharding import (
    MOST_DIGITS,
    Bounds,
    Sharding,
    mounted_by,
    suffices,
    target,
)
from merchantroute_operator.resources.metadata import Live
from merchantroute_operator.spec.lane_specs import lanes
from merchantroute_operator.spec.route import Route

_ALL = range(MOST_DIGITS + 1)
_ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Digits:
    """Shardings of one kind of object, each by the number of its digits."""

    wanted: frozenset[int]  # by Deployments as they should be
    used: frozenset[int]  # by these, by pods, or by pods that a Deployment may still make
    written: frozenset[int]  # those of ``used`` with which a pod's objects of both kinds can hold all
    there: frozenset[int]  # whose objects exist, or some of them

    @property
    def superseded(self) -> frozenset[int]:
        """Those that nobody uses."""
        return self.there - self.used


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """What each Deployment mounts, by its name; and what follows for the objects."""

    mounts: Mapping[str, Sharding]
    config: Digits
    credentials: Digits

    @property
    def has_settled(self) -> bool:
        """Whether there is no other object than those that Deployments should mount."""
        return self.config.there <= self.config.wanted and self.credentials.there <= self.credentials.wanted


def mounted_now(route: Route, deployments: Mapping[str, Live]) -> dict[str, Sharding]:
    """What the Deployments' templates mount, by name; without those that mount no configuration."""
    found = {
        name: mounted_by(route.name, body.get("spec", {}).get("template", {})) for name, body in deployments.items()
    }
    return {name: sharding for name, sharding in found.items() if sharding is not None}


def plan_shards(
    route: Route,
    needs: Bounds,
    replaced: Collection[str],
    *,
    deployments: Mapping[str, Live],
    pods: Mapping[str, Live],
    config_maps: Collection[str],
    secrets: Collection[str],
) -> ShardPlan:
    """The plan by what is live. ``replaced`` are the Deployments whose pods are replaced whatever they mount;
    ``config_maps`` and ``secrets`` are names.
    """
    now = mounted_now(route, deployments)
    renewed = target(needs, now.values())
    mounts = {
        lane.deployment: now[lane.deployment]
        if lane.deployment in now and lane.deployment not in replaced and suffices(now[lane.deployment], needs)
        else renewed
        for lane in lanes(route)
    }
    used = {*mounts.values(), *now.values(), *_mounted_by_pods(route, pods)}
    whole = {
        each for each in used if each.config >= needs.possible.config and each.credentials >= needs.possible.credentials
    }
    rolls = any(map(_rolls, deployments.values()))
    digits = []
    for kind, (name, names) in enumerate(((naming.config_map, config_maps), (naming.credentials_secret, secrets))):
        there = frozenset(each for each in _ALL for shard in naming.shards(each) if name(route.name, shard) in names)
        wanted = frozenset(each[kind] for each in mounts.values())
        left = there if rolls else frozenset()
        digits.append(
            Digits(
                wanted,
                frozenset(each[kind] for each in used) | left,
                wanted | {each[kind] for each in whole} | {each for each in left if each >= needs.possible[kind]},
                there,
            )
        )
    return ShardPlan(mounts, *digits)


def _mounted_by_pods(route: Route, pods: Mapping[str, Live]) -> Iterator[Sharding]:
    for pod in pods.values():
        if pod.get("status", {}).get("phase") not in _ENDED and (mounts := mounted_by(route.name, pod)) is not None:
            yield mounts


def _rolls(deployment: Live) -> bool:
    """Whether a ReplicaSet of an older template may still make a pod, in place of one that goes just now."""
    status = deployment.get("status", {})
    return bool(
        status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0)
        or status.get("updatedReplicas", 0) < status.get("replicas", 0)
    )
