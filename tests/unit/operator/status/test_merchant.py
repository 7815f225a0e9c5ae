"""What a Merchant says of itself, and when that is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from merchantroute_operator.spec.claim import Claim
from merchantroute_operator.spec.merge import merge
from merchantroute_operator.status.merchant import Outcome, merchant_statuses
from tests.unit.operator.merchant_samples import a_claim
from tests.unit.operator.route_samples import a_route

T1, T2 = "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"


def told(claim: Claim, outcome: Outcome, now: str = T2, **route: Any) -> dict[str, Any]:
    [(_, status)] = merchant_statuses(merge(a_route(**route), [claim]), outcome, now)
    return status


def test_a_bound_merchant_is_active_in_its_tier() -> None:
    assert told(a_claim(), Outcome(bound={"taco": "standard"})) == {
        "observedGeneration": 1,
        "state": "Active",
        "since": T2,
        "reason": "AsWanted",
        "message": "Orders flow",
        "tier": "standard",
    }


def test_nothing_changes_while_nothing_happens() -> None:
    once = told(a_claim(), Outcome(bound={"taco": "standard"}), T1)
    assert told(replace(a_claim(), status=once), Outcome(bound={"taco": "standard"}), T2) == once


def test_one_that_moves_says_where_it_is_and_where_it_goes() -> None:
    status = told(a_claim(tier="enterprise"), Outcome(bound={"taco": "standard"}))
    assert (status["state"], status["reason"], status["tier"]) == ("Pending", "Binding", "standard")
    assert "moves from tier standard to enterprise" in status["message"]


def test_since_is_the_time_of_the_newest_state_or_tier() -> None:
    at_first = told(a_claim(), Outcome(bound={"taco": "standard"}), T1)
    moved = replace(a_claim(tier="enterprise"), status=at_first, generation=2)
    assert told(moved, Outcome(bound={"taco": "enterprise"}), T2)["since"] == T2


def test_one_without_usable_credentials_says_what_is_wrong_with_its_secret() -> None:
    outcome = Outcome(bound={"taco": "standard"}, problems={"taco": "Secret x does not exist: create it"})
    status = told(a_claim(), outcome)
    assert (status["state"], status["reason"]) == ("Pending", "CredentialsUnusable")
    assert "Secret x does not exist" in status["message"]


def test_one_that_refuses_its_credentials_says_so_and_a_missing_secret_comes_first() -> None:
    outcome = Outcome(bound={"taco": "standard"}, refused=frozenset({"taco"}))
    status = told(a_claim(), outcome)
    assert (status["state"], status["reason"], status["tier"]) == ("Pending", "CredentialsRefused", "standard")
    assert "401" in status["message"]
    assert told(a_claim(), replace(outcome, problems={"taco": "none"}))["reason"] == "CredentialsUnusable"
    assert told(a_claim(id="other"), outcome)["reason"] != "CredentialsRefused"


def test_a_route_in_trouble_is_the_word_to_a_new_merchant_and_none_to_one_that_works() -> None:
    trouble = Outcome(error="route: no broker")
    assert told(a_claim(), trouble)["reason"] == "RouteNotReady"
    assert told(a_claim(), trouble)["message"] == "route: no broker"
    active = told(a_claim(), Outcome(bound={"taco": "standard"}), T1)
    assert told(replace(a_claim(), status=active), trouble) == active


def test_one_that_is_refused_belongs_to_no_tier() -> None:
    active = told(a_claim(), Outcome(bound={"taco": "standard"}), T1)
    status = told(replace(a_claim(), status=active), Outcome(bound={}), merchants={"taco": "enterprise"})
    assert (status["state"], status["reason"], status["since"]) == ("Refused", "Conflicted", T2)
    assert "tier" not in status


def test_the_older_of_two_works_and_says_that_there_is_another() -> None:
    claims = [a_claim("old", id="hut", created=1), a_claim("late", id="hut", created=2)]
    found = merchant_statuses(merge(a_route(), claims), Outcome(bound={"hut": "standard"}), T1)
    statuses = {claim.name: (status["state"], status["reason"]) for claim, status in found}
    assert statuses == {"old": ("Active", "Conflicted"), "late": ("Refused", "Conflicted")}
