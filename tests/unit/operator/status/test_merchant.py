"""What a Merchant says of itself, and when that is written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from merchantroute_operator.isolation.model import OwnQueue
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


def test_one_that_leads_where_no_call_may_go_says_what_to_change() -> None:
    outcome = Outcome(bound={"taco": "standard"}, forbidden=frozenset({"taco"}))
    status = told(a_claim(), outcome)
    assert (status["state"], status["reason"], status["tier"]) == ("Pending", "AddressForbidden", "standard")
    assert "spec.endpoint" in status["message"]
    assert "spec.egress.allow" in status["message"]
    assert told(a_claim(id="other"), outcome)["reason"] != "AddressForbidden"


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


def an_own_queue(**changes: Any) -> OwnQueue:
    made = OwnQueue("taco", "standard", why="Slow", stage="Open", since=1_767_225_601.4, share=1)
    return replace(made, **changes)


def test_one_with_an_own_queue_says_why_and_what_it_gets() -> None:
    outcome = Outcome(bound={"taco": "standard"}, own_queues={"taco": an_own_queue()}, waiting={"taco": 812})
    status = told(a_claim(), outcome)

    assert (status["state"], status["reason"]) == ("Active", "Isolated")
    assert "its calls take too long or fail" in status["message"]
    assert status["ownQueue"] == {"why": "Slow", "stage": "Open", "since": T1, "share": 1, "waiting": 812}


def test_a_rate_is_said_where_there_is_one_and_what_is_not_known_is_left_out() -> None:
    own = an_own_queue(why="Limited", stage="Opening", share=30, rate=0.5, burst=3)
    status = told(a_claim(), Outcome(bound={"taco": "standard"}, own_queues={"taco": own}))
    assert status["ownQueue"] == {"why": "Limited", "stage": "Opening", "since": T1, "share": 30, "rate": 0.5}


def test_one_that_is_held_by_hand_says_so() -> None:
    held = an_own_queue(why="Held", share=0)
    status = told(a_claim(), Outcome(bound={"taco": "standard"}, own_queues={"taco": held}))
    assert (status["state"], status["reason"], status["ownQueue"]["share"]) == ("Active", "Held", 0)


def test_an_own_queue_of_another_is_not_ones_own_and_a_closed_one_is_gone() -> None:
    isolated = told(a_claim(), Outcome(bound={"taco": "standard"}, own_queues={"taco": an_own_queue()}))
    after = told(replace(a_claim(), status=isolated), Outcome(bound={"taco": "standard"}))
    assert "ownQueue" not in after
    assert after["reason"] == "AsWanted"
    other = Outcome(bound={"taco": "standard"}, own_queues={"hut": an_own_queue(merchant="hut")})
    assert "ownQueue" not in told(a_claim(), other)


def test_what_is_wrong_comes_before_the_own_queue_and_does_not_hide_it() -> None:
    outcome = Outcome(
        bound={"taco": "standard"}, refused=frozenset({"taco"}), own_queues={"taco": an_own_queue()}
    )  # fmt: skip
    status = told(a_claim(), outcome)
    assert status["reason"] == "CredentialsRefused"
    assert status["ownQueue"]["why"] == "Slow"


def test_a_broker_that_does_not_answer_leaves_the_own_queue_as_it_was_told() -> None:
    outcome = Outcome(bound={"taco": "standard"}, own_queues={"taco": an_own_queue()})
    isolated = told(a_claim(), outcome)
    blind = Outcome(error="no broker", own_queues={"taco": an_own_queue(share=9)})
    assert told(replace(a_claim(), status=isolated), blind) == isolated


@pytest.mark.parametrize(
    ("why", "was", "rate", "written"),
    [
        ("RateLimited", 5.0, 4.1, 5.0),
        ("RateLimited", 5.0, 3.1, 3.1),
        ("RateLimited", None, 4.1, 4.1),
        ("Limited", 5.0, 4.9, 4.9),
    ],
)
def test_a_rate_that_was_found_is_not_written_for_every_small_change(
    why: Any, was: float | None, rate: float, written: float
) -> None:
    before = {"ownQueue": {} if was is None else {"rate": was}}
    outcome = Outcome(bound={"taco": "standard"}, own_queues={"taco": an_own_queue(why=why, rate=rate)})
    status = told(replace(a_claim(), status=before), outcome)
    assert status["ownQueue"]["rate"] == written


@pytest.mark.parametrize(
    ("was", "waiting", "written"),
    [(812, 780, 812), (812, 730, 730), (812, 900, 900), (812, 0, 0), (0, 1, 1), (5, 6, 6), (None, 7, 7)],
)
def test_a_figure_of_orders_that_wait_is_not_written_for_every_small_change(
    was: int | None, waiting: int, written: int
) -> None:
    before = {"ownQueue": {} if was is None else {"waiting": was}}
    outcome = Outcome(bound={"taco": "standard"}, own_queues={"taco": an_own_queue()}, waiting={"taco": waiting})
    status = told(replace(a_claim(), status=before), outcome)
    assert status["ownQueue"]["waiting"] == written
