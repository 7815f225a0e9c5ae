"""What a pod reads of own queues: its part of each, and nothing where an entry makes no sense."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchantroute_worker.isolation.own_queues import PodPart, parse_own
from merchantroute_worker.isolation.pod_parts import GroupPart

FRONT = "mr.orders.pos"
QUEUE = f"{FRONT}.own.0123456789ab"
SCHEMA = json.loads((Path(__file__).resolve().parents[4] / "schema" / "config-own.json").read_text())
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def entry(merchant: str = "bistro", **changes: Any) -> dict[str, Any]:
    """An own queue's entry."""
    return {"merchant": merchant, "queue": QUEUE, "bound": True, "parts": [2, 1, 0], **changes}


def document(*entries: Any, pods: Any = ("a", "b", "c")) -> dict[str, Any]:
    """A document of one tier."""
    return {"v": 1, "tiers": {"standard": {"pods": list(pods), "queues": list(entries)}}}


def test_a_route_without_own_queues_has_none() -> None:
    assert parse_own(None, FRONT) == ({}, ())


def test_a_pause_holds_in_every_pod_also_in_those_without_a_part() -> None:
    given = document(entry(rate=9, pausedUntil=1_700_000_000_500))
    jsonschema.validate(given, SCHEMA)
    own = parse_own(given, FRONT)[0]["bistro"]

    for tier, pod in (("standard", "a"), ("standard", "another"), ("enterprise", "a")):
        assert own.part_of(tier, pod).paused_until == 1_700_000_000.5
        assert own.part_of(tier, pod, operator_away=True).paused_until == 1_700_000_000.5
    assert parse_own(document(entry()), FRONT)[0]["bistro"].paused_until == 0
    assert parse_own(document(entry(pausedUntil=-1)), FRONT)[0] == {}


@pytest.mark.parametrize(
    ("tier", "pod", "part"),
    [
        ("standard", "a", PodPart(QUEUE, 2, True, 6.0, 4.0)),
        ("standard", "b", PodPart(QUEUE, 1, True, 3.0, 2.0)),
        ("standard", "c", PodPart(QUEUE, 0, True)),
        ("standard", "another", PodPart(QUEUE, 0, True)),
        ("enterprise", "a", PodPart(QUEUE, 0, True)),
    ],
)
def test_a_pod_has_its_part_of_orders_in_flight_and_of_the_rate(tier: str, pod: str, part: PodPart) -> None:
    given = document(entry(rate=9, burst=6))
    jsonschema.validate(given, SCHEMA)

    own, problems = parse_own(given, FRONT)

    assert (own["bistro"].part_of(tier, pod), problems) == (part, ())


@pytest.mark.parametrize(
    ("tier", "pod", "changes", "part"),
    [
        ("standard", "new", {}, PodPart(QUEUE, 1, True)),
        ("standard", "new", {"rate": 9, "burst": 6}, PodPart(QUEUE, 1, True, 3.0, 2.0)),
        ("standard", "new", {"rate": 9, "parts": [8, 1, 0]}, PodPart(QUEUE, 1, True, 1.0, 1.0)),
        ("standard", "new", {"rate": 0.001, "parts": [1, 0, 0]}, PodPart(QUEUE, 1, True, 0.001, 1.0)),
        ("standard", "new", {"rate": 0.003, "parts": [1, 0, 0]}, PodPart(QUEUE, 1, True, 1 / 600, 1.0)),
        ("standard", "new", {"bound": False}, PodPart(QUEUE, 1, False)),
        ("standard", "new", {"rate": 9, "parts": [0, 0, 0]}, PodPart(QUEUE, 0, True)),
        ("standard", "a", {}, PodPart(QUEUE, 2, True)),
        ("standard", "c", {}, PodPart(QUEUE, 0, True)),
        ("enterprise", "new", {}, PodPart(QUEUE, 0, True)),
    ],
)
def test_while_the_operator_is_away_a_pod_that_is_not_named_has_one_order_and_the_smallest_rate(
    tier: str, pod: str, changes: dict[str, Any], part: PodPart
) -> None:
    own, problems = parse_own(document(entry(**changes)), FRONT)

    assert (own["bistro"].part_of(tier, pod, operator_away=True), problems) == (part, ())


def test_without_a_rate_there_is_no_limit_and_a_small_part_of_a_burst_is_one_order() -> None:
    own, _ = parse_own(document(entry()), FRONT)
    assert own["bistro"].part_of("standard", "a").rate is None
    own, _ = parse_own(document(entry(rate=0.1)), FRONT)
    assert own["bistro"].part_of("standard", "b").burst == 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"merchant": ""},
        {"merchant": 7},
        {"queue": f"{FRONT}.standard.stable"},
        {"queue": f"{FRONT}.own."},
        {"queue": None},
        {"bound": 1},
        {"parts": [1, 2]},
        {"parts": [1, 2, -1]},
        {"parts": [1, 2, True]},
        {"parts": None},
        {"rate": 0},
        {"rate": float("inf")},
        {"rate": "9"},
        {"burst": -1},
    ],
)
def test_an_entry_that_makes_no_sense_is_left_out_alone_and_told(wrong: dict[str, Any]) -> None:
    other = entry("cafe", queue=f"{QUEUE}x")

    own, problems = parse_own(document(entry(**wrong), other), FRONT)

    assert (list(own), len(problems)) == (["cafe"], 1)


@pytest.mark.parametrize("second", [entry(queue=f"{QUEUE}x"), entry("cafe")])
def test_a_merchant_or_a_queue_that_is_listed_twice_has_its_first_entry(second: dict[str, Any]) -> None:
    own, problems = parse_own(document(entry(), second), FRONT)

    assert (list(own), own["bistro"].queue, len(problems)) == (["bistro"], QUEUE, 1)


@pytest.mark.parametrize("whole", [{"v": 2, "tiers": {}}, {"v": 1}, {"v": 1, "tiers": {"standard": []}}, {}])
def test_a_document_of_another_shape_has_no_own_queues_and_is_told(whole: dict[str, Any]) -> None:
    own, problems = parse_own(whole, FRONT)
    assert (own, len(problems)) == ({}, 1)


@given(tiers=ANYTHING, wrong=ANYTHING, pods=ANYTHING)
def test_no_document_raises_and_a_good_tier_s_entries_stay(tiers: Any, wrong: Any, pods: Any) -> None:
    parse_own({"v": 1, "tiers": tiers}, FRONT)
    parse_own({"v": 1, "tiers": {"standard": {"pods": pods, "queues": [wrong]}}}, FRONT)

    own, _ = parse_own(document(wrong, entry()), FRONT)
    assert "bistro" in own


def grouped(group: Any, *entries: dict[str, Any]) -> dict[str, Any]:
    """A document of one tier with one group."""
    made = document(*(entries or [entry(group="vendor")]))
    made["tiers"]["standard"]["groups"] = [group]
    return made


def test_no_merchant_of_a_group_has_more_in_a_pod_than_the_group() -> None:
    given = grouped({"name": "vendor", "parts": [1, 3, 0], "rate": 8, "burst": 4}, entry(group="vendor", rate=9))
    jsonschema.validate(given, SCHEMA)
    own = parse_own(given, FRONT)[0]["bistro"]

    assert own.part_of("standard", "a") == PodPart(QUEUE, 1, True, 6.0, group=GroupPart("vendor", 1, 2.0, 1.0))
    assert own.part_of("standard", "b") == PodPart(QUEUE, 1, True, 3.0, group=GroupPart("vendor", 3, 6.0, 3.0))
    assert own.part_of("standard", "c") == PodPart(QUEUE, 0, True, group=GroupPart("vendor", 0))
    assert own.part_of("enterprise", "a").group is None


def test_while_the_operator_is_away_a_pod_that_is_not_named_has_one_order_of_all_of_a_group() -> None:
    own = parse_own(grouped({"name": "vendor", "parts": [1, 3, 0]}), FRONT)[0]["bistro"]
    held = parse_own(grouped({"name": "vendor", "parts": [0, 0, 0]}), FRONT)[0]["bistro"]

    assert own.part_of("standard", "new", operator_away=True).group == GroupPart("vendor", 1)
    assert held.part_of("standard", "new", operator_away=True).part == 0


@pytest.mark.parametrize(
    "wrong",
    [{"name": 7, "parts": [1, 1, 1]}, {"name": "vendor", "parts": [1]}, {"name": "vendor"}, None, "vendor",
     {"name": "vendor", "parts": [1, 1, 1], "rate": 0}, {"name": "other", "parts": [1, 1, 1]}],
)  # fmt: skip
def test_where_a_group_makes_no_sense_the_queues_of_its_merchants_are_left_out(wrong: Any) -> None:
    given = grouped(wrong, entry(group="vendor"), entry("cafe", queue=f"{QUEUE}x"))

    own, problems = parse_own(given, FRONT)

    assert list(own) == ["cafe"]
    assert problems
