"""Which of a route's Merchant objects count, and what the others are told."""

from __future__ import annotations

import pytest

from merchantroute_operator.spec.merge import Merged, merge
from merchantroute_operator.spec.patterns import matches
from tests.unit.operator.merchant_samples import a_claim
from tests.unit.operator.route_samples import a_route, raw_route


def refusal(merged: Merged, name: str) -> tuple[str, str]:
    _, why = merged.refused[name]
    return str(why.reason), why.message


def test_an_object_is_a_merchant_like_an_entry_of_the_route() -> None:
    merged = merge(a_route(merchants={"hut": "enterprise"}), [a_claim("taco", id="Taco №1")])
    assert [(m.id, m.tier) for m in merged.route.merchants] == [("hut", "enterprise"), ("Taco №1", "standard")]
    assert merged.ids == {"Taco №1"}
    assert not merged.refused
    assert not merged.conflicts


def test_without_an_id_the_name_is_the_id() -> None:
    assert merge(a_route(), [a_claim("taco")]).ids == {"taco"}


def test_the_routes_own_entry_wins_and_both_sides_hear_of_it() -> None:
    merged = merge(a_route(merchants={"hut": "enterprise"}), [a_claim("team-hut", id="hut")])
    assert [(m.id, m.tier) for m in merged.route.merchants] == [("hut", "enterprise")]
    reason, message = refusal(merged, "team-hut")
    assert reason == "Conflicted"
    assert "remove it from its spec.merchants, or delete this Merchant" in message
    assert merged.conflicts == ("merchant hut: spec.merchants counts, Merchant team-hut does not",)


def test_of_two_objects_the_older_works_on_and_all_three_hear_of_it() -> None:
    claims = [a_claim("late", id="hut", created=9), a_claim("old", "enterprise", id="hut", created=3)]
    merged = merge(a_route(), claims)
    assert [(m.id, m.tier) for m in merged.route.merchants] == [("hut", "enterprise")]
    assert "also claimed by late" in merged.contested["old"]
    assert refusal(merged, "late")[0] == "Conflicted"
    assert "Merchant old claimed hut before" in refusal(merged, "late")[1]
    assert merged.conflicts == ("merchant hut: Merchant old counts, late came later",)


def test_one_that_is_not_admitted_is_nobodys_rival() -> None:
    merged = merge(a_route(), [a_claim("a", "gold", id="hut", created=1), a_claim("b", id="hut", created=2)])
    assert merged.taken.keys() == {"b"}
    assert not merged.conflicts


@pytest.mark.parametrize(
    ("claim", "reason", "words"),
    [
        (a_claim(tier="gold"), "TierUnknown", "no tier gold; write one of enterprise, standard"),
        (a_claim(tier="enterprise"), "TierNotAllowed", "does not admit taco"),
        (a_claim(endpoint="http://taco.example"), "EndpointInsecure", "write https://"),
        (a_claim(workflow="toast"), "WorkflowUnknown", "route pos has no workflow toast; write one of square"),
        (a_claim(workflow="square"), "FieldsMissing", "its steps need storeId; write it in its fields"),
        (a_claim(workflow="square", fields={"storeId": "a\nb"}), "FieldsMissing", "storeId holds a control character"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_route_does_not_take_is_told_with_the_mend(claim: object, reason: str, words: str) -> None:
    step = {"name": "send", "method": "POST", "path": "/{fields.storeId}"}
    orders = {**raw_route()["spec"]["orders"], "workflows": [{"name": "square", "steps": [step]}]}
    tiers = ({"name": "enterprise", "allowedMerchants": ["burger-*"]}, "standard")
    merged = merge(a_route(tiers=tiers, orders=orders), [claim])  # type: ignore[list-item]
    assert not merged.ids
    assert refusal(merged, "taco")[0] == reason
    assert words in refusal(merged, "taco")[1]
    assert not merged.conflicts


@pytest.mark.parametrize("allowed", [{"allowedMerchants": []}, {}, {"allowedMerchants": None}])
def test_without_a_list_and_with_an_empty_one_objects_stay_out_and_entries_in(allowed: dict[str, object]) -> None:
    tiers = ({"name": "enterprise", **allowed}, "standard")
    route = a_route(tiers=tiers, merchants={"hut": "enterprise"})
    merged = merge(route, [a_claim(tier="enterprise")])
    assert [m.id for m in merged.route.merchants] == ["hut"]
    reason, words = refusal(merged, "taco")
    assert reason == "TierNotAllowed"
    assert "allowedMerchants of tier enterprise is empty or not there, and so does not admit taco" in words
    assert "ask the owner of route pos to add the id" in words


@pytest.mark.parametrize(
    ("pattern", "text", "means"),
    [
        ("hut", "hut", True),
        ("hut", "huts", False),
        ("*", "", True),
        ("burger-*", "burger-hut", True),
        ("burger-*", "x-burger-hut", False),
        ("*-eu", "hut-eu", True),
        ("a*a", "a", False),  # the same letter cannot be both
        ("a*b*c", "a-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("a.c", "abc", False),  # a dot is a dot
        ("*a" * 100 + "b", "a" * 255, False),  # at once, however many stars
    ],
)
def test_a_star_stands_for_any_run_of_characters(pattern: str, text: str, means: bool) -> None:
    assert matches(pattern, text) is means
