"""The children beside configuration and Deployments: accounts, budgets, the network policy, the pod monitor.

Accounts come before the Deployments, which cannot make a pod without. A child goes once its lane's Deployment is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from merchantroute_operator import naming
from merchantroute_operator.errors import KubeError, NamespaceTerminating, RouteError, SecretInvalid, unforeseen
from merchantroute_operator.kube.kube_port import Children, Kube, Object
from merchantroute_operator.resources.differ import differs
from merchantroute_operator.resources.disruption_budget import disruption_budget
from merchantroute_operator.resources.metadata import APPLIED
from merchantroute_operator.resources.network_policy import Address, network_policy
from merchantroute_operator.resources.pod_monitor import pod_monitor
from merchantroute_operator.resources.service_account import service_account
from merchantroute_operator.spec.lane_specs import lanes
from merchantroute_operator.spec.route import Route
from merchantroute_operator.spec.sections.broker_secret import parse_pods_broker


async def ensure_auxiliaries(
    kube: Kube, route: Route, children: Children, claimed: Collection[str]
) -> RouteError | None:
    """Create or correct them all. Raises what stands before the pods: an account that cannot be made.

    ``claimed`` are the merchants that Merchant objects added: the policy does not follow them.

    Returns the first error of another kind: orders flow without a budget, a policy or a monitor, so that it is told
    once everything else is as wanted.
    """
    first: RouteError | None = None
    try:
        wanted = [*_wanted(route, children, await _brokers(kube, route), claimed)]
    except NamespaceTerminating:
        raise
    except Exception as error:  # noqa: BLE001 - told by the route, which is then without a new policy only
        first = error if isinstance(error, RouteError) else unforeseen(error)
        wanted = [account for lane in lanes(route) if (account := service_account(route, lane))]
    for body in wanted:
        live = children.auxiliaries.get(body["kind"], {}).get(body["metadata"]["name"])
        if live is not None and not differs(body, live):
            continue
        try:
            await kube.apply(body)
        except KubeError as error:
            if body["kind"] == "ServiceAccount" or isinstance(error, NamespaceTerminating):
                raise
            first = first or error
    return first


async def delete_auxiliaries(kube: Kube, route: Route, children: Children) -> None:
    """Delete those that are no longer wanted; an account stays for as long as there is a Deployment of its name."""
    wanted = {(body["kind"], body["metadata"]["name"]) for body in _wanted(route, children)}
    for kind, name in _ours(children):
        serves = kind == "ServiceAccount" and name in children.deployments
        if (kind, name) not in wanted and not serves:
            await kube.delete(kind, route.namespace, name)


async def delete_all_auxiliaries(kube: Kube, namespace: str, children: Children) -> None:
    """The route is at its end."""
    for kind, name in _ours(children):
        await kube.delete(kind, namespace, name)


def _wanted(
    route: Route, children: Children, brokers: Iterable[Address] = (), claimed: Collection[str] = ()
) -> Iterator[Object]:
    for lane in lanes(route):
        if account := service_account(route, lane):
            yield account
        if budget := disruption_budget(route, lane):
            yield budget
    if policy := network_policy(route, brokers, claimed):
        yield policy
    if "PodMonitor" in children.auxiliaries:
        yield pod_monitor(route)


async def _brokers(kube: Kube, route: Route) -> list[Address]:
    """Where pods find the broker; a Secret that is missing or invalid is reported elsewhere."""
    found = []
    for name in sorted({route.broker_secret, route.worker_secret}) if route.network_policy else ():
        secret = await kube.secret(route.namespace, name)
        try:
            broker = parse_pods_broker(name, secret.data) if secret else None
        except SecretInvalid:
            continue
        found += [Address(broker.host, broker.port)] if broker else []
    return found


def _ours(children: Children) -> Iterator[tuple[naming.AuxiliaryKind, str]]:
    """Only what the operator wrote: a team's own policy may carry the route's label."""
    kinds: Mapping[naming.AuxiliaryKind, Mapping[str, Object]] = children.auxiliaries
    for kind, objects in kinds.items():
        for name, body in objects.items():
            if APPLIED in (body["metadata"].get("annotations") or {}):
                yield kind, name
