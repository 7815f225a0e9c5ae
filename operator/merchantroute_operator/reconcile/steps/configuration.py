"""Writes the workers' configuration and credentials where they differ, and has the kubelet sync them at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from merchantroute_operator import naming
from merchantroute_operator.errors import KubeError
from merchantroute_operator.kube.kube_port import Children, Kind, Kube, Object
from merchantroute_operator.naming import ANNOTATION_BROKER, ANNOTATION_GENERATION
from merchantroute_operator.reconcile.steps.credentials import Credential
from merchantroute_operator.resources.configuration.config_maps import ConfigContents, config_maps, previous_index
from merchantroute_operator.resources.configuration.credential_secrets import credentials_secrets
from merchantroute_operator.resources.configuration.shard_plan import ShardPlan, plan_shards
from merchantroute_operator.resources.configuration.sharding import bounds
from merchantroute_operator.resources.differ import differs
from merchantroute_operator.spec.route import Route

NUDGE = 5.0  # seconds after which a pod that still lags is annotated anew


def plan_configuration(
    route: Route,
    children: Children,
    contents: ConfigContents,
    found: Mapping[str, Credential],
    replaced: Collection[str],
) -> ShardPlan:
    """Which shards the route's Deployments mount and which objects stay; ``replaced`` get other pods anyway."""
    return plan_shards(
        route,
        bounds(contents.merchants, found),
        replaced,
        deployments=children.deployments,
        pods=children.pods,
        config_maps=children.config_maps.keys(),
        secrets=children.secrets.keys(),
    )


async def write_configuration(
    kube: Kube,
    route: Route,
    children: Children,
    contents: ConfigContents,
    found: Mapping[str, Credential],
    plan: ShardPlan,
    *,
    known: int,
    now_ms: int,
    renew: bool,
) -> int:
    """Write what differs, credentials first and the index last; the generation that pods should load.

    ``known`` is the newest generation that the operator or the status remembers, so that a deleted ConfigMap does not
    start the count anew. ``renew`` keeps the configuration's date fresh: workers ask for it when they meet an order
    whose merchant they do not know, so a route without orders needs no such writes.
    """
    known_credentials = int(previous_index(route, children.config_maps).get("credentialsGeneration", 0))
    credentials_generation, secrets = credentials_secrets(
        route, found, children.secrets, sorted(plan.credentials.written), known_credentials
    )
    generation, maps = config_maps(
        route,
        contents,
        children.config_maps,
        sorted(plan.config.written),
        now_ms=now_ms,
        credentials_generation=credentials_generation,
        known_generation=known,
        renew=renew,
    )
    await _write(kube, secrets, children.secrets)
    await _write(kube, maps, children.config_maps)
    return generation


async def delete_superseded(kube: Kube, route: Route, children: Children, plan: ShardPlan) -> KubeError | None:
    """Delete the objects that no pod of the route mounts and none will; the error of the first that cannot be."""
    gone: list[tuple[Kind, str]] = [
        *(("ConfigMap", naming.config_map(route.name, shard)) for shard in _shards(plan.config.superseded)),
        *(("Secret", naming.credentials_secret(route.name, shard)) for shard in _shards(plan.credentials.superseded)),
    ]
    there = children.by_kind()
    first: KubeError | None = None
    for kind, name in gone:
        if name in there[kind]:
            try:
                await kube.delete(kind, route.namespace, name)
            except KubeError as error:
                first = first or error
    return first


def _shards(digits: Collection[int]) -> Iterator[str]:
    for each in sorted(digits):
        yield from naming.shards(each)


async def _write(kube: Kube, bodies: list[Object], live: Mapping[str, Object]) -> None:
    for body in bodies:
        there = live.get(body["metadata"]["name"])
        if there is None or differs(body, there):
            await kube.apply(body)


async def annotate_stale_pods(
    kube: Kube,
    namespace: str,
    pods: Mapping[str, Object],
    *,
    generation: str,
    brokers: Mapping[str, str],
    lagging: Collection[str],
) -> None:
    """Make the kubelet bring new files to these pods now: it syncs a pod's volumes when the pod changes.

    Left alone it takes 70 to 90 s. ``generation`` is the configuration's, ``brokers`` is the resourceVersion of the
    broker's Secret that each pod mounts. A pod that is not ``lagging`` is left alone once it has both.
    """
    stale: defaultdict[str, list[str]] = defaultdict(list)  # by what of the broker they should know
    for name, pod in pods.items():
        annotations = {ANNOTATION_GENERATION: generation, ANNOTATION_BROKER: brokers[name]}
        if _is_stale(pod, annotations, lags=name in lagging):
            stale[brokers[name]].append(name)
    for version, names in stale.items():
        await kube.annotate_pods(namespace, names, {ANNOTATION_GENERATION: generation, ANNOTATION_BROKER: version})


def attempt(generation: int, age: float) -> str:
    """What to annotate ``age`` seconds after ``generation`` was written: a new text every few seconds.

    A kubelet that synced a pod just before the new ConfigMap reached it does not sync again by itself.
    """
    return f"{generation}.{int(age // NUDGE)}"


def _is_stale(pod: Object, annotations: Mapping[str, str], *, lags: bool) -> bool:
    has = pod["metadata"].get("annotations", {})
    if lags or has.get(ANNOTATION_BROKER) != annotations[ANNOTATION_BROKER]:
        return any(has.get(key) != value for key, value in annotations.items())
    return bool(has.get(ANNOTATION_GENERATION, "").split(".")[0] != annotations[ANNOTATION_GENERATION].split(".")[0])
