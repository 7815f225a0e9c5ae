"""The lanes' Deployments: made with the scaler's number of pods, kept as the route wants, gone with their queue."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from merchantroute_operator import naming
from merchantroute_operator.kube.kube_port import Children, Kube, Object
from merchantroute_operator.resources.configuration.shard_plan import mounted_now
from merchantroute_operator.resources.configuration.sharding import ONE_PAIR, Sharding
from merchantroute_operator.resources.differ import differs
from merchantroute_operator.resources.metadata import Live
from merchantroute_operator.resources.workload.deployment import deployment
from merchantroute_operator.spec.lane_specs import lanes
from merchantroute_operator.spec.route import Route


async def check_deployments(kube: Kube, route: Route, cluster: str, live: Mapping[str, Object]) -> frozenset[str]:
    """Ask the API server about the Deployments that it does not have yet as the route wants them; nothing is changed.

    Returns those whose pods would be replaced, by another template with the same shards of the configuration. Raises
    what ``ensure_deployments`` would, before anything of the route has been changed for a pod that cannot be.
    """
    replaced = set()
    mounted = mounted_now(route, live)
    for lane in lanes(route):
        body = deployment(route, lane.tier, lane.name, cluster, mounted.get(lane.deployment, ONE_PAIR))
        there = live.get(lane.deployment)
        if there is None or differs(body, there):
            would_be = await kube.dry_run(body)
            if there is not None and would_be["spec"]["template"] != there["spec"]["template"]:
                replaced.add(lane.deployment)
    return frozenset(replaced)


async def ensure_deployments(
    kube: Kube, route: Route, cluster: str, live: Mapping[str, Object], mounts: Mapping[str, Sharding]
) -> None:
    """Create or correct one Deployment per lane; ``mounts`` are the shards that each mounts, by its name.

    ``spec.replicas`` is in no apply: an apply that creates without it makes 1 pod, and one that ever owned it resets
    it. So a Deployment is created with its number by the scaler's field manager, and applied after that.
    """
    for lane in lanes(route):
        body = deployment(route, lane.tier, lane.name, cluster, mounts[lane.deployment])
        there = live.get(lane.deployment)
        if there is None:
            await kube.create_deployment(body, lane.tier.scaling.min_replicas)
        if there is None or differs(body, there):
            await kube.apply(body)


async def delete_deployments(
    kube: Kube, route: Route, children: Children, needed: Collection[str], aborted: Collection[str] = ()
) -> None:
    """Delete the Deployments of lanes that are gone, each once its queue is not among those that ``needed`` it.

    Until then it empties its queue, which is deleted once nobody consumes it any more. The canary of a tier in
    ``aborted`` goes at once: what it has not begun is for ``stable``'s version.
    """
    wanted = {lane.deployment for lane in lanes(route)}
    for name, live in children.deployments.items():
        if name in wanted:
            continue
        tier, lane = lane_of(live)
        at_once = lane == naming.CANARY and tier in aborted
        if at_once or naming.lane_queue(route.namespace, route.name, tier, lane) not in needed:
            await kube.delete("Deployment", route.namespace, name)


def lane_of(live: Live) -> tuple[str, str]:
    """Tier and lane of a Deployment, a pod, or the Secret of a lane's user."""
    labels = live["metadata"]["labels"]
    return labels.get(naming.LABEL_TIER, ""), labels.get(naming.LABEL_LANE, naming.STABLE)


def ready_pods(pods: Mapping[str, Object], now: float) -> dict[str, float]:
    """Seconds, at epoch ``now``, for which each pod has taken orders: those that are ready and not being deleted."""
    return {
        name: now - datetime.fromisoformat(condition["lastTransitionTime"]).timestamp()
        for name, pod in pods.items()
        if "deletionTimestamp" not in pod["metadata"]
        for condition in pod.get("status", {}).get("conditions", ())
        if condition["type"] == "Ready" and condition["status"] == "True"
    }
