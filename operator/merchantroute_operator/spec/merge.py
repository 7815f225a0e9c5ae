"""Merges a route's own merchants with the Merchant objects that refer to it.

An entry of the route wins over an object, and of two objects the older: a merchant that works is never taken over.
What is not taken is as if it were not there, so that no object can spoil the route for the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from merchantroute_operator.spec.claim import Claim
from merchantroute_operator.spec.claim_reasons import ClaimReason
from merchantroute_operator.spec.endpoint import host_and_port
from merchantroute_operator.spec.patterns import matches
from merchantroute_operator.spec.route import Merchant, Route
from merchantroute_operator.spec.sections.isolation import with_limits
from merchantroute_operator.spec.steps.step_list import missing_fields


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an object was not taken."""

    reason: ClaimReason
    message: str


@dataclass(frozen=True, slots=True)
class Merged:
    """The route with all its merchants; ``taken`` and ``refused`` are objects by name, ``contested`` name -> words."""

    route: Route
    taken: Mapping[str, Claim] = field(default_factory=dict)
    refused: Mapping[str, tuple[Claim, Refusal]] = field(default_factory=dict)
    contested: Mapping[str, str] = field(default_factory=dict)  # of those taken: who else claims the id
    conflicts: tuple[str, ...] = ()  # a sentence for the route, per id that is claimed twice

    @property
    def ids(self) -> frozenset[str]:
        """The merchants that came from objects."""
        return frozenset(claim.merchant.id for claim in self.taken.values())


def merge(route: Route, claims: Iterable[Claim]) -> Merged:
    """``route`` with those of ``claims`` (all of this route) that it takes."""
    listed = {merchant.id for merchant in route.merchants}
    rivals: defaultdict[str, list[Claim]] = defaultdict(list)
    refused: dict[str, tuple[Claim, Refusal]] = {}
    for claim in sorted(claims, key=lambda claim: (claim.created, claim.name)):
        if (unfit := _unfit(route, claim)) is None:
            rivals[claim.merchant.id].append(claim)
        else:
            refused[claim.name] = (claim, unfit)
    taken: dict[str, Claim] = {}
    contested: dict[str, str] = {}
    for merchant, (first, *others) in rivals.items():
        losers = [first, *others] if merchant in listed else others
        if merchant not in listed:
            taken[first.name] = first
            if others:
                contested[first.name] = f"it counts, since it is the oldest; also claimed by {_names(others)}"
        winner = "" if merchant in listed else first.name
        refused.update((loser.name, (loser, _lost(route, merchant, winner))) for loser in losers)
    merchants = (*route.merchants, *(claim.merchant for claim in taken.values()))
    return Merged(
        route=with_limits(replace(route, merchants=merchants)),
        taken=taken,
        refused=refused,
        contested=contested,
        conflicts=tuple(_conflicts(rivals, listed)),
    )


def _unfit(route: Route, claim: Claim) -> Refusal | None:
    """What keeps the object out whoever else claims its id."""
    wanted = claim.merchant
    if why := _why_no_id(wanted.id):
        return Refusal(ClaimReason.ID_INVALID, f"spec.id: {why}")
    tier = next((tier for tier in route.tiers if tier.name == wanted.tier), None)
    if tier is None:
        names = ", ".join(sorted(tier.name for tier in route.tiers))
        words = f"spec.tier: route {route.name} has no tier {wanted.tier}; write one of {names}"
        return Refusal(ClaimReason.TIER_UNKNOWN, words)
    if not any(matches(pattern, wanted.id) for pattern in tier.allowed):
        why = "does not admit" if tier.allowed else "is empty or not there, and so does not admit"
        words = (
            f"spec.tier: allowedMerchants of tier {tier.name} {why} {wanted.id}; write another tier, or ask the owner "
            f"of route {route.name} to add the id, or a pattern such as burger-*"
        )
        return Refusal(ClaimReason.TIER_NOT_ALLOWED, words)
    if why := _why_no_address(wanted.endpoint):
        return Refusal(ClaimReason.ENDPOINT_INVALID, f"spec.endpoint: {why}")
    if _is_insecure(route, wanted.endpoint):
        words = (
            f"spec.endpoint: {wanted.endpoint} sends orders unencrypted; write https://, or have the owner of route "
            f"{route.name} add its host to spec.egress.insecureHosts, or set spec.orders.allowInsecure: true"
        )
        return Refusal(ClaimReason.ENDPOINT_INSECURE, words)
    return _unfit_steps(route, wanted)


def _unfit_steps(route: Route, wanted: Merchant) -> Refusal | None:
    """What of its workflow and fields no worker could make calls with."""
    if wanted.workflow is not None and wanted.workflow not in route.orders.workflows:
        names = ", ".join(sorted(route.orders.workflows)) or "none: remove workflow"
        words = f"spec.workflow: route {route.name} has no workflow {wanted.workflow}; write one of {names}"
        return Refusal(ClaimReason.WORKFLOW_UNKNOWN, words)
    if why := _why_no_request(route, wanted):
        return Refusal(ClaimReason.FIELDS_MISSING, f"spec.fields: {why}")
    return None


def unfit_entries(route: Route) -> dict[str, str]:
    """What of the route's own list no worker can call, by where it stands, and why: an older definition let it through.

    Of a route without Merchant objects merged: these say it of themselves.
    """
    found: dict[str, str] = {}
    for merchant in route.merchants:
        why = _why_no_id(merchant.id) or _why_not_called(route, merchant.endpoint) or _why_no_request(route, merchant)
        if why:
            found[f"merchant {merchant.id}"] = why
    if route.default_endpoint and (why := _why_not_called(route, route.default_endpoint)):
        found["spec.defaultEndpoint"] = why
    return found


def _why_not_called(route: Route, endpoint: str) -> str:
    if why := _why_no_address(endpoint):
        return why
    if _is_insecure(route, endpoint):
        return (
            f"{endpoint} sends orders unencrypted; write https://, add its host to spec.egress.insecureHosts, or set "
            "spec.orders.allowInsecure: true"
        )
    return ""


def _why_no_request(route: Route, merchant: Merchant) -> str:
    missing = missing_fields(route.orders.steps_of(merchant.workflow), merchant.fields)
    if missing:
        return f"its steps need {', '.join(missing)}; write {'it' if len(missing) == 1 else 'them'} in its fields"
    unsendable = sorted(name for name, value in merchant.fields.items() if not str(value).isprintable())
    return f"the field {unsendable[0]} holds a control character; remove it" if unsendable else ""


def _why_no_id(merchant: str) -> str:
    if merchant not in (".", ".."):
        return ""
    return f"{merchant} stands for another place in a URL's path, so no order can name it; write another id"


def _why_no_address(endpoint: str) -> str:
    try:
        host_and_port(endpoint)
    except Exception as error:  # noqa: BLE001 - what no address can be read from spoils this merchant and no other
        shown = "it" if "@" in endpoint else endpoint  # a password may stand before the @
        return f"{shown} is no address: {error!s:.200}"
    return ""


def _is_insecure(route: Route, endpoint: str) -> bool:
    if not endpoint.startswith("http://") or route.orders.allow_insecure:
        return False
    host = host_and_port(endpoint)[0].lower().rstrip(".")
    return not any(matches(pattern, host) for pattern in route.egress.insecure_hosts)


def _lost(route: Route, merchant: str, winner: str) -> Refusal:
    if winner:
        words = f"Merchant {winner} claimed {merchant} before: delete one of the two, or write another spec.id"
    else:
        words = (
            f"route {route.name} lists {merchant} itself: remove it from its spec.merchants, or delete this Merchant"
        )
    return Refusal(ClaimReason.CONFLICTED, words)


def _conflicts(rivals: Mapping[str, Sequence[Claim]], listed: set[str]) -> Iterator[str]:
    for merchant, claims in rivals.items():
        if merchant in listed:
            yield f"merchant {merchant}: spec.merchants counts, Merchant {_names(claims)} does not"
        elif len(claims) > 1:
            yield f"merchant {merchant}: Merchant {claims[0].name} counts, {_names(claims[1:])} came later"


def _names(claims: Sequence[Claim]) -> str:
    return ", ".join(claim.name for claim in claims[:3]) + (f" and {len(claims) - 3} more" if len(claims) > 3 else "")
