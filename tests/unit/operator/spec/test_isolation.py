"""What a route says about own queues of merchants: the section, limits by merchant, tier and route, and by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from merchantroute_operator.isolation.model import MerchantLimits, Policy
from merchantroute_operator.resources.configuration.config_files import merchant_entries, merchants_files
from merchantroute_operator.spec.invalid import SpecInvalid
from merchantroute_operator.spec.merge import merge
from merchantroute_operator.spec.parse import parse
from merchantroute_operator.spec.route import NO_LIMITS, Route
from merchantroute_operator.spec.sections.isolation import unknown_groups, unknown_merchants
from tests.unit.operator.merchant_samples import a_claim
from tests.unit.operator.route_samples import a_route, raw_route

SCHEMAS = Path(__file__).resolve().parents[4] / "schema"
HELD, ISOLATED = "merchantroute.dev/held-until", "merchantroute.dev/isolated-until"
GROUPS_HELD = "merchantroute.dev/groups-held-until"
NOON, ONE = 1_798_804_800.0, 1_798_808_400.0  # 2027-01-01, 12:00 and 13:00 UTC


def annotated(annotations: dict[str, str], **changes: Any) -> Route:
    raw = raw_route(**changes)
    raw["metadata"]["annotations"] = annotations
    return parse(raw)


def test_a_route_that_says_nothing_isolates_by_itself_and_limits_nobody() -> None:
    assert a_route(merchants={"hut": "standard"}).isolation == Policy()
    assert (Policy().mode, Policy().max_own_queues, Policy().max_tripped_share) == ("Automatic", 200, 0.5)


def test_the_section_is_read() -> None:
    section = {
        "mode": "DryRun",
        "pinned": ["hut", "bar"],
        "exempt": ["taco"],
        "maxOwnQueues": 0,
        "maxTrippedShare": 0.25,
        "merchantLimits": {"maxRate": 0.5, "burst": 3},
    }
    assert a_route(isolation=section).isolation == Policy(
        mode="DryRun",
        pinned=frozenset({"hut", "bar"}),
        exempt=frozenset({"taco"}),
        max_own_queues=0,
        max_tripped_share=0.25,
        default_limits=MerchantLimits(max_rate=0.5, burst=3),
    )


ROUTE: dict[str, Any] = {"maxInFlight": 30, "maxRate": 100, "burst": 20}


@pytest.mark.parametrize(
    ("own", "tier", "route", "holds"),
    [
        ({}, {}, {}, NO_LIMITS),
        ({}, {}, ROUTE, MerchantLimits(30, 100, 20)),
        ({}, {"maxInFlight": 10}, ROUTE, MerchantLimits(10, 100, 20)),
        ({"maxInFlight": 2}, {"maxInFlight": 10}, ROUTE, MerchantLimits(2, 100, 20)),
        # a burst goes with its rate: what bursts a tier's rate bears says nothing about the merchant's own
        ({"maxRate": 0.5}, {"maxInFlight": 10}, ROUTE, MerchantLimits(10, 0.5, 1)),
        ({}, {"maxRate": 5, "burst": 2}, ROUTE, MerchantLimits(30, 5, 2)),
        ({"maxRate": 7, "burst": 4}, {"maxRate": 5, "burst": 2}, {}, MerchantLimits(None, 7, 4)),
    ],
)
def test_a_merchants_own_limit_wins_over_its_tiers_and_that_over_the_routes(
    own: dict[str, Any], tier: dict[str, Any], route: dict[str, Any], holds: MerchantLimits
) -> None:
    tiers = ({"name": "standard", "merchantLimits": tier, "allowedMerchants": ["*"]},)
    section = {"merchantLimits": route}
    entry = {"id": "hut", "tier": "standard", "endpoint": "https://hut.example", "limits": own}
    raw = raw_route(tiers=tiers, isolation=section)
    raw["spec"]["merchants"] = [entry]
    expected = {} if holds == NO_LIMITS else {"hut": holds}
    assert parse(raw).isolation.limits == expected

    merged = merge(a_route(tiers=tiers, isolation=section), [a_claim("hut", limits=own)]).route
    assert merged.isolation.limits == expected


def test_a_group_is_as_written_at_the_list_or_the_object_and_reaches_the_pods() -> None:
    entry = {"id": "hut", "tier": "standard", "endpoint": "https://hut.example"}
    raw = raw_route()
    raw["spec"]["merchants"] = [{**entry, "group": "vendor"}, {**entry, "id": "bar"}]

    route = merge(parse(raw), [a_claim("taco", group="vendor"), a_claim("inn")]).route

    assert {merchant.id: merchant.group for merchant in route.merchants} == {
        "hut": "vendor",
        "bar": None,
        "taco": "vendor",
        "inn": None,
    }
    written = merchant_entries(route)
    assert {merchant: found.get("group") for merchant, found in written.items() if "group" in found} == {
        "hut": "vendor",
        "taco": "vendor",
    }
    document = json.loads(merchants_files(written, 0)["merchants-all.json"])
    jsonschema.validate(document, json.loads((SCHEMAS / "config-merchants.json").read_text()))


def test_a_tiers_limits_are_those_of_its_merchants_alone() -> None:
    tiers = ("enterprise", {"name": "standard", "merchantLimits": {"maxInFlight": 4}})
    route = a_route(tiers=tiers, merchants={"hut": "enterprise", "bar": "standard"})
    assert route.isolation.limits == {"bar": MerchantLimits(max_in_flight=4)}


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"maxRate": 0}, "maxRate: 0 is out of bounds; write more than 0 and at most 10000"),
        ({"maxRate": 10_001}, "maxRate: 10001 is out of bounds"),
        ({"maxRate": float("nan")}, "maxRate: nan is out of bounds"),
        ({"maxInFlight": 0}, "maxInFlight: 0 is out of bounds"),
        ({"maxRate": 1, "burst": -1}, "burst: -1 is out of bounds"),
        ({"maxRate": "fast"}, "let through what it should have refused"),
    ],
)
def test_limits_that_an_older_definition_let_through_are_refused_with_their_field(
    limits: dict[str, Any], said: str
) -> None:
    with pytest.raises(SpecInvalid, match=said):
        a_route(tiers=({"name": "standard", "merchantLimits": limits},))


def test_who_is_held_or_isolated_by_hand_is_until_the_end() -> None:
    policy = annotated(
        {
            HELD: '{"hut": "2027-01-01T12:00:00Z"}',
            ISOLATED: '{"bar": "2027-01-01T14:00:00+01:00", "hut": "2020-01-01T00:00Z"}',
        },
        isolation={"pinned": ["taco"], "exempt": ["bar", "hut", "fry"]},
    ).isolation
    assert policy.problems == ()
    assert policy.held == {"hut": NOON}
    before, between, after = policy.at(NOON - 1), policy.at(NOON), policy.at(ONE)

    assert [dict(each.held) for each in (before, between, after)] == [{"hut": NOON}, {}, {}]
    assert [set(each.pinned) for each in (before, between, after)] == [{"taco", "bar"}, {"taco", "bar"}, {"taco"}]
    # A person who asks for it now is not bound by the list.
    assert [set(each.exempt) for each in (before, between, after)] == [{"fry"}, {"fry", "hut"}, {"fry", "hut", "bar"}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is no JSON object"),
        ("hut", "it is no JSON object"),
        ('["hut"]', "it is no JSON object"),
        ('{"hut": "2027-01-01T12:00:00Z"', "it is no JSON object"),
        ("[" * 60_000, "it is no JSON object"),
        ('{"hut": "' + "x" * 70_000 + '"}', "it is no JSON object"),
        ('{"hut": "tomorrow"}', "'hut': 'tomorrow' is no time"),
        ('{"hut": "2027-01-01T12:00:00"}', "has no time zone"),
        ('{"hut": 1798804800}', "'hut': '1798804800' is no time"),
        ('{"hut": null}', "is no time"),
        ('{"": "2027-01-01T12:00:00Z"}', "'' is no merchant's id"),
        ('{"' + "é" * 128 + '": "2027-01-01T12:00:00Z"}', "is no merchant's id"),
        (r'{"\ud800": "2027-01-01T12:00:00Z"}', r"'\\ud800' is no merchant's id"),
    ],
    ids=lambda text: text[:40],
)
@pytest.mark.parametrize("name", [HELD, ISOLATED])
def test_a_hand_that_slips_is_told_and_harms_nothing(name: str, text: str, said: str) -> None:
    [problem] = annotated({name: text}).isolation.problems
    assert problem.startswith(f"annotation {name}: ")
    assert "write one like '{" in problem
    assert len(problem) < 400
    problem.encode()
    assert re.search(said, problem)


def test_one_wrong_entry_leaves_the_others() -> None:
    policy = annotated({HELD: '{"hut": "soon", "bar": "2027-01-01T12:00:00Z"}'}).isolation
    assert policy.held == {"bar": NOON}
    assert len(policy.problems) == 1


def test_a_hand_holds_a_hundred_merchants_at_most() -> None:
    many = ", ".join(f'"m{n}": "2027-01-01T12:00:00Z"' for n in range(101))
    policy = annotated({HELD: f"{{{many}}}"}).isolation
    assert len(policy.held) == 100
    [problem] = policy.problems
    assert "of its 101 merchants the first 100 count; remove some" in problem


def test_merchants_that_the_route_does_not_know_are_named_unless_it_serves_any_id() -> None:
    section = {"pinned": ["hut", "pinned"], "exempt": ["exempt"]}
    by_hand = {HELD: '{"held": "2027-01-01T12:00:00Z"}', ISOLATED: '{"isolated": "2027-01-01T12:00:00Z"}'}
    route = annotated(by_hand, isolation=section, merchants={"hut": "standard"})
    assert unknown_merchants(route) == ("exempt", "held", "isolated", "pinned")
    anybody = annotated(by_hand, isolation=section, defaultEndpoint="https://pos.example/{merchant}")
    assert unknown_merchants(anybody) == ()


def test_merchants_of_a_group_with_limits_have_limits_and_none_more_in_flight_than_the_group() -> None:
    merchants = {"hut": "standard", "bar": "standard", "inn": "standard"}
    limits = {"maxInFlight": 6, "maxRate": 10, "burst": 5}
    raw = raw_route(merchants=merchants, isolation={"groups": [{"name": "vendor", "limits": limits}]})
    hut, bar, _ = raw["spec"]["merchants"]
    hut |= {"group": "vendor", "limits": {"maxInFlight": 50, "maxRate": 2}}
    bar |= {"group": "vendor"}
    policy = parse(raw).isolation

    assert policy.group_limits == {"vendor": MerchantLimits(6, 10, 5)}
    assert policy.limits == {"hut": MerchantLimits(6, 2), "bar": MerchantLimits(6)}


def test_a_rate_of_a_group_alone_is_a_reason_for_own_queues() -> None:
    raw = raw_route(merchants={"hut": "standard"}, isolation={"groups": [{"name": "v", "limits": {"maxRate": 10}}]})
    raw["spec"]["merchants"][0]["group"] = "v"

    assert parse(raw).isolation.limits == {"hut": MerchantLimits()}


def test_limits_of_a_group_that_an_older_definition_let_through_are_refused_with_their_field() -> None:
    with pytest.raises(SpecInvalid, match=r"spec.isolation.groups\[v\].limits.maxInFlight: 0 is out of bounds"):
        a_route(isolation={"groups": [{"name": "v", "limits": {"maxInFlight": 0}}]})


def test_who_is_held_as_a_group_is_until_the_end() -> None:
    policy = annotated({GROUPS_HELD: '{"pos.vendor.example": "2027-01-01T12:00:00Z"}'}).isolation

    assert (policy.problems, policy.held) == ((), {})
    assert [dict(policy.at(wall).held_groups) for wall in (NOON - 1, NOON)] == [{"pos.vendor.example": NOON}, {}]


@pytest.mark.parametrize("name", ["", "Vendor", "a b", "x" * 254, "-a"])
def test_what_is_no_name_of_a_group_is_told(name: str) -> None:
    text = json.dumps({name: "2027-01-01T12:00:00Z", "ok": "2027-01-01T12:00:00Z"})
    policy = annotated({GROUPS_HELD: text}).isolation

    assert list(policy.held_groups) == ["ok"]
    [problem] = policy.problems
    assert problem.startswith(f"annotation {GROUPS_HELD}: ")
    assert "is no name of a group; write one like '{" in problem


def test_groups_of_which_the_route_lists_nobody_are_named() -> None:
    section = {"groups": [{"name": name, "limits": {"maxRate": 1}} for name in ("pos.example", "limited")]}
    by_hand = {GROUPS_HELD: '{"held": "2027-01-01T12:00:00Z"}'}
    route = annotated(by_hand, isolation=section, merchants={"hut": "standard"})

    assert set(unknown_groups(route)) >= {"held", "limited"}
    assert unknown_groups(a_route()) == ()
