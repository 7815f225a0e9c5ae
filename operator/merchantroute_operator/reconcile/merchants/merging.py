"""Merges Merchant objects into a route, and queues their statuses after a reconcile."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from merchantroute_operator.errors import KubeError
from merchantroute_operator.isolation.model import OwnQueue
from merchantroute_operator.reconcile.merchants.claims import Claims
from merchantroute_operator.reconcile.merchants.status_writer import MerchantStatusWriter
from merchantroute_operator.reconcile.state.context import Context
from merchantroute_operator.reconcile.state.findings import Findings
from merchantroute_operator.reconcile.state.route_state import RouteState
from merchantroute_operator.spec.claim import Claim
from merchantroute_operator.spec.claim_reasons import ClaimReason
from merchantroute_operator.spec.merge import Refusal, merge, unfit_entries
from merchantroute_operator.spec.route import Route
from merchantroute_operator.status.merchant import Outcome, merchant_statuses, refusal_status

logger = logging.getLogger(__name__)
NONE: Mapping[str, OwnQueue] = {}
NOTHING: Mapping[str, int] = {}
LATER = 5.0  # seconds until the next look where they could not be read


async def take_claims(claims: Claims, route: Route, state: RouteState, findings: Findings) -> Route:
    """The route with the merchants of its objects. Raises ``KubeError`` where these cannot be read.

    While pods are loading a configuration, the next one is not made of newer objects: in a steady stream of them no
    pod would ever know the newest, and none of them would be bound.
    """
    findings.merchants.unfit = unfit_entries(route)
    newest = await claims.of((route.namespace, route.name))
    loading = (
        state.configuration.claims is not None
        and state.findings is not None
        and state.findings.configuration.gate.awaited
    )
    if loading and state.configuration.claims is not None:
        findings.merchants.behind = _versions(newest) != _versions(state.configuration.claims)
    else:
        state.configuration.claims = newest
    findings.merchants.merged = merge(route, state.configuration.claims or ())
    findings.merchants.claimed = findings.merchants.merged.ids
    return findings.merchants.merged.route


def update_merchant_statuses(
    ctx: Context,
    claims: Claims,
    writer: MerchantStatusWriter,
    findings: Findings,
    *,
    own_queues: Mapping[str, OwnQueue] = NONE,
    waiting: Mapping[str, int] = NOTHING,
) -> None:
    """Queue the status of each of the route's Merchant objects.

    ``own_queues`` are by merchant id, ``waiting`` the orders in them, as far as they are known.
    """
    if findings.merchants.merged is None:
        return
    outcome = Outcome(
        bound=findings.topology.bound,
        problems=findings.merchants.claim_problems,
        refused=findings.merchants.credentials_refused,
        forbidden=findings.merchants.forbidden,
        error=f"route: {findings.error}" if findings.error else "",
        paused=findings.pause.holds,
        own_queues=own_queues,
        waiting=waiting,
    )
    merged = replace(
        findings.merchants.merged,
        taken={name: claims.refreshed(claim) for name, claim in findings.merchants.merged.taken.items()},
        refused={
            name: (claims.refreshed(claim), why) for name, (claim, why) in findings.merchants.merged.refused.items()
        },
    )
    for claim, status in merchant_statuses(merged, outcome, _now(ctx)):
        writer.want(claim, status)


async def update_orphan_statuses(
    ctx: Context, claims: Claims, writer: MerchantStatusWriter, place: tuple[str, str]
) -> float | None:
    """Queue the status of Merchant objects whose route does not exist; the seconds until another try, or None."""
    try:
        orphans = await claims.of(place)
        if orphans and await ctx.kube.namespace_is_terminating(place[0]):
            return None  # they go one by one, and nobody will read it
    except KubeError as error:
        logger.warning("merchants of %s/%s cannot be read: %s", *place, error)
        return LATER
    words = f"spec.routeRef: namespace {place[0]} has no MerchantRoute {place[1]}; create it, or write another name"
    for claim in orphans:
        writer.want(claim, refusal_status(claim, Refusal(ClaimReason.ROUTE_MISSING, words), _now(ctx)))
    return ctx.resync if orphans else None


def _versions(claims: tuple[Claim, ...]) -> set[tuple[str, int]]:
    return {(claim.uid, claim.generation) for claim in claims}


def _now(ctx: Context) -> str:
    return datetime.fromtimestamp(ctx.wall(), UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
