"""A Merchant's status: a function of what a reconcile made of it, so that an unchanged one is never written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from merchantroute_operator.isolation.model import OwnQueue, Why
from merchantroute_operator.spec.claim import Claim
from merchantroute_operator.spec.claim_reasons import ClaimReason
from merchantroute_operator.spec.merge import Merged, Refusal
from merchantroute_operator.spec.sections.pause import as_time
from merchantroute_operator.status.text import bounded

ACTIVE, PENDING, REFUSED = "Active", "Pending", "Refused"
_WORDS: Mapping[Why, str] = {
    "Slow": "its calls take too long or fail; its orders wait in a queue of their own, and others do not wait for them",
    "RateLimited": "it answers 429 again and again; its orders begin at the rate that it was found to bear",
    "Refused": "it sends more orders than there are slots for; they wait in a queue of their own",
    "Limited": "orders beyond its limits wait in a queue of their own",
    "Pinned": "spec.isolation.pinned of the route, or somebody by hand, gives its orders a queue of their own",
    "Held": "somebody holds it by hand: its orders wait in a queue of their own, and none begins until that ends",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a pass found out about the merchants; ``bound`` is None where it did not come to the bindings."""

    bound: Mapping[str, str] | None = None  # merchant id -> tier
    problems: Mapping[str, str] = field(default_factory=dict)  # merchant id -> why it has no credentials
    refused: frozenset[str] = frozenset()  # merchant ids that refuse the credentials
    forbidden: frozenset[str] = frozenset()  # merchant ids that lead where no call may go
    error: str = ""  # what ended the pass early
    paused: bool = False  # nothing is bound while the route is
    own_queues: Mapping[str, OwnQueue] = field(default_factory=dict)  # merchant id -> the queue of its own
    waiting: Mapping[str, int] = field(default_factory=dict)  # merchant id -> orders in it, as far as known


def merchant_statuses(merged: Merged, outcome: Outcome, now: str) -> list[tuple[Claim, dict[str, Any]]]:
    """Every object with the status that it should have; ``now`` is RFC 3339."""
    refused = [(claim, refusal_status(claim, refusal, now)) for claim, refusal in merged.refused.values()]
    taken = [
        (claim, _with_own_queue(claim, _taken(claim, merged, outcome, now), outcome)) for claim in merged.taken.values()
    ]
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
    if merchant.id in outcome.forbidden:
        words = (
            "its endpoint leads to no address that the route allows, and its orders are dead letters; correct "
            "spec.endpoint, or ask the route's owner for spec.egress.allow"
        )
        return _status(claim, PENDING, ClaimReason.ADDRESS_FORBIDDEN, words, tier, now)
    if contested := merged.contested.get(claim.name):
        return _status(claim, ACTIVE, ClaimReason.CONFLICTED, contested, tier, now)
    if own := outcome.own_queues.get(merchant.id):
        reason = ClaimReason.HELD if own.why == "Held" else ClaimReason.ISOLATED
        return _status(claim, ACTIVE, reason, _WORDS[own.why], tier, now)
    return _status(claim, ACTIVE, ClaimReason.AS_WANTED, "Orders flow", tier, now)


def _with_own_queue(claim: Claim, status: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    """``status`` with the merchant's own queue as of now; as it was where the pass did not come to the bindings."""
    if outcome.bound is None:
        return status
    own = outcome.own_queues.get(claim.merchant.id)
    if own is None:
        return status
    waiting = outcome.waiting.get(own.merchant)
    was = claim.status.get("ownQueue") or {}
    figures = {
        "why": own.why,
        "stage": own.stage,
        "since": as_time(own.since),
        "share": own.share,
        **({"rate": _damped_rate(own, was.get("rate"))} if own.rate is not None else {}),
        **({"waiting": _damped(waiting, was.get("waiting"))} if waiting is not None else {}),
    }
    return {**status, "ownQueue": figures}


def _damped(waiting: int, was: int | None) -> int:
    """The figure that was written, where it is as good: every pass sees another one, and each would be a write."""
    return was if was and waiting and abs(waiting - was) * 10 < was else waiting


def _damped_rate(own: OwnQueue, was: float | None) -> float | None:
    """The rate that was written, where one that was found is near it: it goes up and down all the time."""
    if own.rate is None or own.why != "RateLimited" or not was:
        return own.rate
    return was if abs(own.rate - was) * 4 < was else own.rate


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
