"""Broker users of lanes that are on their way out: their pods drain a queue, and have to come in again if need be.

Such a lane is not the spec's any more, or its route is being deleted, or asks for no users any more. Its Secret still
says who its user is; what that user may do follows from its pods. Nothing new is made for it: no Secret, no other
password.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from merchantroute_operator import naming
from merchantroute_operator.errors import BrokerError, BrokerUnreachable, SecretInvalid
from merchantroute_operator.kube.kube_port import Children
from merchantroute_operator.lane_users.lane_rights import LaneName, permissions
from merchantroute_operator.lane_users.user_plan import WantedUser, ensure, tag
from merchantroute_operator.rabbit.broker_port import Broker
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.reconcile.steps.deployments import lane_of
from merchantroute_operator.resources.lane_user_secret import lane_password, lane_user, own_lane_secrets
from merchantroute_operator.resources.metadata import Live
from merchantroute_operator.resources.workload.own_publishes import own_publishes
from merchantroute_operator.resources.workload.pod import mounted_broker_secret
from merchantroute_operator.spec.lane_specs import lanes
from merchantroute_operator.spec.route import Route
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress, parse_pods_broker


def leaving_users(
    cluster: str, route: Route, vhost: str, children: Children, own_queues: Mapping[str, Collection[str]]
) -> tuple[WantedUser, ...]:
    """Those of lanes that the spec has no more, as long as a pod or a template mounts their Secrets."""
    here = {naming.lane_user_secret(route.name, lane.tier.name, lane.name) for lane in lanes(route)}
    return tuple(_users(cluster, route, vhost, children, own_queues, besides=here))


async def all_leaving(
    ctx: Context, route: Route, children: Children, own_queues: Mapping[str, Collection[str]]
) -> tuple[WantedUser, ...]:
    """Those of all lanes of a route that goes, or asks for none any more, as long as something mounts their Secrets."""
    if not own_lane_secrets(route.name, children.secrets):
        return ()
    address = await pods_address(ctx, route)
    return tuple(_users(ctx.cluster, route, address.vhost, children, own_queues)) if address else ()


async def pods_address(ctx: Context, route: Route) -> BrokerAddress | None:
    """Where pods find the broker; None where their Secret is missing or invalid, which is told elsewhere."""
    secret = await ctx.kube.secret(route.namespace, route.worker_secret)
    try:
        return parse_pods_broker(secret.name, secret.data) if secret else None
    except SecretInvalid:
        return None


async def keep_lane_users(
    ctx: Context, broker: Broker, route: Route, findings: Findings, own_queues: Mapping[str, Collection[str]]
) -> None:
    """Put back what somebody did to users of a route that is drained before it goes. Raises ``BrokerUnreachable``.

    Where the operator may not, or the broker refuses, the drain goes on: a pod that is connected needs no user.
    """
    wanted = await all_leaving(ctx, route, findings.children, own_queues)
    if not wanted:
        return
    try:
        if ops := ensure(wanted, await broker.users(), tag(ctx.cluster)):
            await broker.run_user_ops(ops)
    except BrokerUnreachable:
        raise
    except BrokerError as error:
        findings.users.problem = error


def mounted_secrets(children: Children) -> set[str]:
    """The broker Secrets that a pod, or a Deployment's next pod, mounts."""
    return {mounted_broker_secret(spec) for _, spec in (*_pods(children), *_templates(children))}


def pods_publish(route: Route, lane: LaneName, children: Children) -> frozenset[str]:
    """What the lane's pods publish to beyond what every worker does, those of the template before included."""
    return _published(route, lane, _pods(children))


def _users(
    cluster: str,
    route: Route,
    vhost: str,
    children: Children,
    own_queues: Mapping[str, Collection[str]],
    besides: Collection[str] = (),
) -> Iterator[WantedUser]:
    """A Secret in which somebody wrote another user or password says nothing about the operator's own."""
    mounted, specs = mounted_secrets(children), (*_pods(children), *_templates(children))
    for name, body in own_lane_secrets(route.name, children.secrets).items():
        words, password = LaneName(*lane_of(body)), lane_password(body)
        user = naming.lane_user(cluster, vhost, route.namespace, route.name, *words)
        if name in mounted and name not in besides and password is not None and lane_user(body) == user:
            also = _published(route, words, specs)
            yield WantedUser(user, permissions(route, words, cluster, also, own_queues.get(words.tier, ())), password)


def _published(route: Route, lane: LaneName, specs: Iterable[tuple[LaneName, Live]]) -> frozenset[str]:
    return frozenset[str]().union(*(own_publishes(route, spec) for words, spec in specs if words == lane))


def _pods(children: Children) -> Iterator[tuple[LaneName, Live]]:
    return ((LaneName(*lane_of(pod)), pod.get("spec", {})) for pod in children.pods.values())


def _templates(children: Children) -> Iterator[tuple[LaneName, Live]]:
    return ((LaneName(*lane_of(body)), body["spec"]["template"]["spec"]) for body in children.deployments.values())
