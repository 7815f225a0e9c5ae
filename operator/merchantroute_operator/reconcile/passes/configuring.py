"""The part of a pass that writes the workers' configuration and brings it to pods, own queues included.

Own queues change by the minute, merchants seldom. So whether merchants may be bound is asked of the generation in which
anything but own queues changed, and each own queue has a generation of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from merchantroute_operator.errors import RouteError, SecretInvalid, SecretMissing
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.reconcile.state.gate import gate, reporting_pods
from merchantroute_operator.reconcile.state.lane import is_idle
from merchantroute_operator.reconcile.state.own.tier_pods import TierPods
from merchantroute_operator.reconcile.state.route_state import ConfigurationState, RouteState
from merchantroute_operator.reconcile.steps.configuration import (
    annotate_stale_pods,
    attempt,
    plan_configuration,
    write_configuration,
)
from merchantroute_operator.reconcile.steps.credentials import Credential
from merchantroute_operator.reconcile.steps.deployments import ready_pods
from merchantroute_operator.reconcile.steps.own_parts import (
    NOTHING_OWN,
    OwnPlan,
    loaded_by,
    plan_own,
    pods_of_tiers,
    told,
)
from merchantroute_operator.resources.configuration.config_maps import (
    ConfigContents,
    newest_own_file,
    previous_index,
    render,
)
from merchantroute_operator.resources.configuration.deaths import deaths, told_deaths
from merchantroute_operator.resources.configuration.own_file import parts_in, room_beside
from merchantroute_operator.resources.configuration.shard_plan import ShardPlan
from merchantroute_operator.resources.workload.pod import mounted_broker_secret
from merchantroute_operator.scaling.model import Pulse
from merchantroute_operator.spec.route import Route
from merchantroute_operator.spec.sections.broker_secret import parse_pods_broker
from merchantroute_operator.topology.objects import Topology


@dataclass(frozen=True, slots=True)
class Fleet:
    """The route's pods at the beginning of a pass: their newest pulses, those that are ready, and those of tiers."""

    pulses: Mapping[str, Pulse] = field(default_factory=dict)
    ready: Mapping[str, float] = field(default_factory=dict)
    tiers: Mapping[str, TierPods] = field(default_factory=dict)

    @property
    def loaded(self) -> dict[str, int]:
        """Pod -> the generation that it runs by."""
        return {name: pulse.generation for name, pulse in self.pulses.items()}


def fleet_now(ctx: Context, route: Route, findings: Findings) -> Fleet:
    """As Kubernetes and the pods' pulses show it."""
    pods = findings.children.pods
    pulses = {pulse.pod: pulse for pulse in ctx.pulses.of(route.namespace, route.name)}
    loaded = {name: pulse.generation for name, pulse in pulses.items()}
    everybody = ready_pods(pods, ctx.wall())
    ready = reporting_pods(route, pods, everybody, loaded)
    silent = everybody.keys() - ready.keys()
    return Fleet(pulses, ready, pods_of_tiers(route, pods, everybody, pulses, silent))


async def configure(
    ctx: Context,
    route: Route,
    state: RouteState,
    findings: Findings,
    *,
    found: Mapping[str, Credential],
    replaced: Collection[str],
    fleet: Fleet,
    observed: Topology,
) -> ShardPlan:
    """Write what differs; the shards that the route's Deployments mount."""
    remembered = max(state.configuration.generation, int(findings.raw.get("status", {}).get("configGeneration") or 0))
    children = findings.children
    shared = render(route, ctx.cluster, deaths(route, children.pods, told_deaths(route, children.config_maps)))
    plan = plan_configuration(route, children, shared, found, replaced)
    own = _own_plan(route, state, findings, fleet, observed, shared, plan, ctx.monotonic())
    generation = await write_configuration(
        ctx.kube,
        route,
        children,
        replace(shared, own=own.text),
        found,
        plan,
        known=remembered,
        now_ms=int(ctx.wall() * 1000),
        renew=not (state.lanes and all(map(is_idle, state.lanes.values()))),
    )
    others = own.text == newest_own_file(route, children.config_maps)  # it is not own queues that changed, if anything
    _note(state.configuration, shared.digest(), generation, ctx.monotonic(), others=others)
    told(state.own, own, generation, ctx.monotonic())
    state.own.forget_before(loaded_by(fleet.tiers))
    findings.configuration.generation, findings.configuration.superseded = generation, not plan.has_settled
    findings.own.unfinished = own.unfinished
    return plan


def _own_plan(
    route: Route,
    state: RouteState,
    findings: Findings,
    fleet: Fleet,
    observed: Topology,
    contents: ConfigContents,
    plan: ShardPlan,
    now: float,
) -> OwnPlan:
    """What is live counts, whoever wrote it: a pass may have ended between writing it and remembering it."""
    maps = findings.children.config_maps
    live = int(previous_index(route, maps).get("generation", 0))
    state.own.saw(live, parts_in(newest_own_file(route, maps)))
    if not state.own.queues:
        return NOTHING_OWN
    room = room_beside(_first_shard(contents, plan))
    return plan_own(route, state.own, fleet.tiers, fleet.pulses, observed, room=room, now=now)


def _first_shard(contents: ConfigContents, plan: ShardPlan) -> int:
    """Bytes of the largest first shard of merchants that is written."""
    return max((contents.first_shard(digits) for digits in plan.config.written), default=0)


def _note(known: ConfigurationState, contents: str, generation: int, now: float, *, others: bool) -> None:
    if generation == known.generation:
        return
    if others or contents != known.contents:
        known.contents_since, known.contents_at = generation, now
    known.generation, known.written_at, known.contents = generation, now, contents


async def bring_to_pods(
    ctx: Context, route: Route, state: RouteState, findings: Findings, fleet: Fleet, secret_version: str
) -> None:
    """Have the kubelet sync pods that lag, and see which merchants may be bound by what pods have loaded."""
    pods, known, now = findings.children.pods, state.configuration, ctx.monotonic()
    age = now - known.written_at
    newest = gate(fleet.ready, fleet.loaded, known.generation, age=age)
    merchants = gate(fleet.ready, fleet.loaded, known.contents_since, age=now - known.contents_at)
    findings.configuration.gate = replace(merchants, overdue=newest.overdue)
    findings.own.awaited = bool(state.own.named and newest.awaited)
    await annotate_stale_pods(
        ctx.kube,
        route.namespace,
        pods,
        generation=attempt(known.generation, age),
        brokers={
            name: findings.users.versions.get(mounted_broker_secret(pod.get("spec", {})), secret_version)
            for name, pod in pods.items()
        },
        lagging=(*newest.awaited, *newest.overdue),
    )


async def mounted_secret(ctx: Context, route: Route, operators: str) -> tuple[str, RouteError | None]:
    """The resourceVersion of the Secret that pods mount, and what is wrong with it.

    ``operators`` is that of ``secretRef``, which is the same Secret unless ``workerSecretRef`` names another.
    """
    if route.worker_secret == route.broker_secret:
        return operators, None
    secret = await ctx.kube.secret(route.namespace, route.worker_secret)
    if secret is None:
        words = f"Secret {route.worker_secret} (workerSecretRef) does not exist: no new pod can start without it"
        return "", SecretMissing(f"{words}, so create it in namespace {route.namespace}")
    try:
        parse_pods_broker(secret.name, secret.data)
    except SecretInvalid as error:
        return secret.version, error
    return secret.version, None
