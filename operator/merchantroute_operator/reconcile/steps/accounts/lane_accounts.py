"""The lanes' broker users: each lane's pods get one of their own where the route asks for it and the broker allows it.

A user is made before the Secret that holds its password, and goes before it. So a Secret that is there has a user, and
a lane without one goes on with the Secret that the route names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from merchantroute_operator import naming
from merchantroute_operator.errors import (
    BrokerError,
    BrokerRefusedCredentials,
    BrokerUnreachable,
    RouteError,
    UsersNotAllowed,
    UserTaken,
)
from merchantroute_operator.kube.kube_port import Children, Object
from merchantroute_operator.lane_users.broker_user import BrokerUser, UserOp
from merchantroute_operator.lane_users.lane_rights import LaneName, permissions
from merchantroute_operator.lane_users.password import new_password
from merchantroute_operator.lane_users.user_plan import WantedUser, drop, ensure, of_route, routes_before, tag, taken
from merchantroute_operator.rabbit.broker_port import Broker
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.reconcile.steps.accounts.leaving_lanes import (
    all_leaving,
    leaving_users,
    mounted_secrets,
    pods_address,
    pods_publish,
)
from merchantroute_operator.resources.differ import differs
from merchantroute_operator.resources.lane_user_secret import (
    lane_password,
    lane_user,
    lane_user_secret,
    own_lane_secrets,
)
from merchantroute_operator.resources.metadata import Live
from merchantroute_operator.resources.workload.own_publishes import own_publishes
from merchantroute_operator.resources.workload.pod import pod_template
from merchantroute_operator.spec.lane_specs import LaneSpec, lanes
from merchantroute_operator.spec.route import Route
from merchantroute_operator.spec.sections.broker_secret import BrokerAddress
from merchantroute_operator.status.text import some


@dataclass(frozen=True, slots=True)
class LaneUsers:
    """What a pass has to do for the lanes' users.

    ``route`` has the Secrets that its pods mount once that is done. ``live`` are the users that the broker has; None:
    it was not asked, or did not tell.
    """

    route: Route
    live: Mapping[str, BrokerUser] | None = None
    wanted: tuple[WantedUser, ...] = ()
    ops: tuple[UserOp, ...] = ()
    secrets: tuple[Object, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class _Account:
    """A lane's user, and the Secret that says so."""

    lane: LaneSpec
    user: WantedUser
    secret: Object = field(repr=False)


async def plan_lane_users(
    ctx: Context, broker: Broker, route: Route, findings: Findings, own_queues: Mapping[str, Collection[str]]
) -> LaneUsers:
    """See what is to be done; nothing is changed. What keeps a lane without a user of its own is in ``findings``.

    ``own_queues`` are those of each tier's merchants.
    """
    own = own_lane_secrets(route.name, findings.children.secrets)
    findings.users.versions = {name: _version(body) for name, body in own.items()}
    if not route.users_per_lane:
        return await _given_again(ctx, broker, route, findings, own_queues)
    address = await pods_address(ctx, route)
    if address is None:
        return LaneUsers(_mounting(route, own))
    findings.users.checked = True
    live = await _users(broker, findings, _not_allowed(route))
    if live is None:
        return LaneUsers(_mounting(route, own))
    accounts = [_account(ctx.cluster, route, lane, address, findings.children, own_queues) for lane in lanes(route)]
    mark = tag(ctx.cluster)
    others = taken((each.user.name for each in accounts), live, mark)
    if others:
        findings.users.problem = _taken(route, others)
    ours = [each for each in accounts if each.user.name not in others]
    leaving = leaving_users(ctx.cluster, route, address.vhost, findings.children, own_queues)
    wanted = (*(each.user for each in ours), *leaving)
    return LaneUsers(
        route=_mounting(route, {each.secret["metadata"]["name"]: each.secret for each in ours}),
        live=live,
        wanted=wanted,
        ops=ensure(wanted, live, mark),
        secrets=tuple(each.secret for each in ours if _is_due(each.secret, own)),
    )


async def _given_again(
    ctx: Context, broker: Broker, route: Route, findings: Findings, own_queues: Mapping[str, Collection[str]]
) -> LaneUsers:
    """Of a route that no longer asks for users: what its pods of before need until the last of them has gone."""
    wanted = await all_leaving(ctx, route, findings.children, own_queues)
    live = await _users(broker, findings, _left(route)) if wanted else None
    if live is None:
        return LaneUsers(route)
    return LaneUsers(route, live, wanted, ensure(wanted, live, tag(ctx.cluster)))


async def make_lane_users(ctx: Context, broker: Broker, planned: LaneUsers, findings: Findings) -> Route:
    """Do what was planned; the route as its pods can be made now.

    What the broker refuses is in ``findings``, and the lanes concerned go on with what they have. Raises
    ``BrokerUnreachable``, and what the API server refuses.
    """
    route = planned.route
    try:
        if planned.ops:
            await broker.run_user_ops(planned.ops)
    except BrokerUnreachable:
        raise
    except BrokerError as error:
        findings.users.problem = error
        return _mounting(route, own_lane_secrets(route.name, findings.children.secrets))
    for body in planned.secrets:
        stored = await ctx.kube.apply(body)
        findings.users.versions = {**findings.users.versions, body["metadata"]["name"]: _version(stored)}
    return route


async def drop_unused_lane_users(ctx: Context, broker: Broker, planned: LaneUsers, findings: Findings) -> None:
    """Remove users that no pod needs any more, each before its Secret; also those of routes that went without theirs.

    Such a route's broker was away when it was deleted. Only routes of the same namespace are looked for: another may be
    another operator's.
    """
    route = planned.route
    own = own_lane_secrets(route.name, findings.children.secrets)
    kept = {*route.lane_secrets.values(), *mounted_secrets(findings.children)}
    unused = [name for name in own if name not in kept]
    live = planned.live
    if live is None:
        if not unused or route.users_per_lane:
            return
        live = await _users(broker, findings, _left(route))
        if live is None:
            return
    needed = {user.name for user in planned.wanted} | {lane_user(own[name]) for name in own if name in kept}
    door, mark = naming.front_door(route.namespace, route.name), tag(ctx.cluster)
    unneeded = set(of_route(live, door)) - needed
    for name in routes_before(live, route.namespace, route.name, mark):
        if await ctx.kube.route(route.namespace, name) is not None:
            break
        unneeded.update(of_route(live, naming.front_door(route.namespace, name)))
    try:
        if ops := drop(unneeded, live, mark):
            await broker.run_user_ops(ops)
    except BrokerUnreachable:
        raise
    except BrokerError as error:
        findings.users.problem = error
        return
    for name in unused:
        await ctx.kube.delete("Secret", route.namespace, name)


async def remove_lane_users(ctx: Context, broker: Broker, route: Route, findings: Findings) -> None:
    """The route is at its end, and so are its pods. Where the broker does not allow it, an event says what is left."""
    if not route.users_per_lane and not own_lane_secrets(route.name, findings.children.secrets):
        return
    door = naming.front_door(route.namespace, route.name)
    try:
        live = await broker.users()
        if ops := drop(of_route(live, door), live, tag(ctx.cluster)):
            await broker.run_user_ops(ops)
    except (UsersNotAllowed, BrokerRefusedCredentials):
        words = f"the operator may not remove broker users: those whose names begin with {door}. stay, if there are any"
        await ctx.kube.event(findings.raw, "Warning", "UsersLeft", words)


async def _users(broker: Broker, findings: Findings, forbidden: RouteError) -> Mapping[str, BrokerUser] | None:
    """Those of the broker; None where it does not tell: ``findings`` say why, by ``forbidden`` where it is."""
    try:
        return await broker.users()
    except BrokerUnreachable:
        raise
    except BrokerError as error:
        findings.users.problem = forbidden if isinstance(error, UsersNotAllowed) else error
        return None


def _account(
    cluster: str,
    route: Route,
    lane: LaneSpec,
    address: BrokerAddress,
    children: Children,
    own_queues: Mapping[str, Collection[str]],
) -> _Account:
    """What its pods publish to is asked of those of the template before as well: they work on during a rollout."""
    words = LaneName(lane.tier.name, lane.name)
    template = pod_template(route, lane.tier, lane.name)["spec"]
    also = own_publishes(route, template) | pods_publish(route, words, children)
    own = own_lane_secrets(route.name, children.secrets)
    name = naming.lane_user(cluster, address.vhost, route.namespace, route.name, *words)
    password = lane_password(own.get(naming.lane_user_secret(route.name, *words))) or new_password()
    return _Account(
        lane=lane,
        user=WantedUser(name, permissions(route, words, cluster, also, own_queues.get(words.tier, ())), password),
        secret=lane_user_secret(route, lane, address, name, password),
    )


def _mounting(route: Route, secrets: Mapping[str, Live]) -> Route:
    """The route whose pods mount those of ``secrets`` that are their lane's."""
    names = {lane.deployment: naming.lane_user_secret(route.name, lane.tier.name, lane.name) for lane in lanes(route)}
    return replace(route, lane_secrets={lane: name for lane, name in names.items() if name in secrets})


def _is_due(body: Object, own: Mapping[str, Live]) -> bool:
    there = own.get(body["metadata"]["name"])
    return there is None or differs(body, there)


def _version(body: Live) -> str:
    return str(body["metadata"].get("resourceVersion", ""))


def _not_allowed(route: Route) -> RouteError:
    return UsersNotAllowed(
        f"the user in Secret {route.broker_secret} may not make broker users: lanes without one of their own go on "
        f"with Secret {route.worker_secret}. Give it the tag administrator (rabbitmqctl set_user_tags USER "
        "administrator), or write spec.broker.users: Given"
    )


def _taken(route: Route, names: tuple[str, ...]) -> RouteError:
    return UserTaken(
        f"the broker has users of these names that this operator did not make: {some(names)}. Their lanes go on with "
        f"Secret {route.worker_secret}; to let the operator make them, remove them (rabbitmqctl delete_user NAME)"
    )


def _left(route: Route) -> RouteError:
    door = naming.front_door(route.namespace, route.name)
    return UsersNotAllowed(
        f"lanes have no users of their own any more, and the user in Secret {route.broker_secret} may not remove those "
        f"that are left: give it the tag administrator, or remove those that begin with {door}. (rabbitmqctl "
        "delete_user NAME) and their Secrets"
    )
