"""A Merchant's status: a function of what a reconcile made of it, so that an unchanged one is never written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from merchantroute_operator.spec.claim import Claim
from merchantroute_operator.spec.claim_reasons import ClaimReason
from merchantroute_operator.spec.merge import Merged, Refusal
from merchantroute_operator.status.text import bounded

ACTIVE, PENDING, REFUSED = "Active", "Pending", "Refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a pass found out about the merchants; ``bound`` is None where it did not come to the bindings."""

    bound: Mapping[str, str] | None = None  # merchant id -> tier
    problems: Mapping[str, str] = field(default_factory=dict)  # merchant id -> why it has no credentials
    refused: frozenset[str] = frozenset()  # merchant ids that refuse the credentials
    error: str = ""  # what ended the pass early
    paused: bool = False  # nothing is bound while the route is


def merchant_statuses(merged: Merged, outcome: Outcome, now: str) -> list[tuple[Claim, dict[str, Any]]]:
    """Every object with the status that it should have; ``now`` is RFC 3339."""
    refused = [(claim, refusal_status(claim, refusal, now)) for claim, refusal in merged.refused.values()]
    taken = [(claim, _taken(claim, merged, outcome, now)) for claim in merged.taken.values()]
    return [*refused, *taken]


def refusal_status(claim: Claim, refusal: Refusal, now: str) -> dict[str, Any]:
    """The status of one that no route took."""
    return _status(claim, REFUSED, refusal.reason, refusal.message, None, now)


def _taken(claim: Claim, merged: Merged, outcome: Outcome, now: str) -> dict[str, Any]:
    merchant = claim.merchant
    if outcome.bound is None:
        if claim.status.get("observedGeneration") == claim.generation and claim.status.get("state") != REFUSED:
            return dict(claim.status)  # a broker that does not answer changes nothing about the merchant
        words = outcome.error or f"route {claim.route} has not come to it yet"
        return _status(claim, PENDING, ClaimReason.ROUTE_NOT_READY, words, claim.status.get("tier"), now)
    tier = outcome.bound.get(merchant.id)
    if tier != merchant.tier:
        words = "the route is paused" if outcome.paused else "its orders go there once every ready pod knows it"
        words = (
            f"moves from tier {tier} to {merchant.tier}; {words}" if tier else f"joins tier {merchant.tier}; {words}"
        )
        return _status(claim, PENDING, ClaimReason.BINDING, words, tier, now)
    if problem := outcome.problems.get(merchant.id):
        return _status(claim, PENDING, ClaimReason.CREDENTIALS_UNUSABLE, problem, tier, now)
    if merchant.id in outcome.refused:
        words = "it answers 401 or 403; its orders wait until its Secret changes, or it takes one of them"
        return _status(claim, PENDING, ClaimReason.CREDENTIALS_REFUSED, words, tier, now)
    if contested := merged.contested.get(claim.name):
        return _status(claim, ACTIVE, ClaimReason.CONFLICTED, contested, tier, now)
    return _status(claim, ACTIVE, ClaimReason.AS_WANTED, "Orders flow", tier, now)


def _status(claim: Claim, state: str, reason: ClaimReason, message: str, tier: str | None, now: str) -> dict[str, Any]:
    """``since`` is kept while state and tier are as they were."""
    old = claim.status
    stayed = (old.get("state"), old.get("tier")) == (state, tier)
    return {
        "observedGeneration": claim.generation,
        "state": state,
        "since": old.get("since", now) if stayed else now,
        "reason": str(reason),
        "message": bounded(message),
        **({"tier": tier} if tier else {}),
    }
