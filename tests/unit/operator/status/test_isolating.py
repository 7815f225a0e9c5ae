"""What a route says of own queues: which there are, what is in their way, and what is remembered of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from merchantroute_operator.isolation.model import OwnQueue
from merchantroute_operator.spec.route import IsolationPolicy
from merchantroute_operator.status.assemble import status
from merchantroute_operator.status.isolating import isolating
from merchantroute_operator.status.own_queues import MOST_BYTES, entries, remembered
from tests.unit.operator.status_views import ROUTE, a_view

NOW = "2026-01-02T03:04:05Z"
SLOW = OwnQueue("m0", "enterprise", why="Slow", stage="Open", since=1_767_225_601.0, share=4, hold=60.0)
LIMITED = OwnQueue("\N{SUSHI}", "standard", "Limited", "Opening", 1_767_225_601.0, share=30, rate=0.5, burst=3)
PAUSED = OwnQueue(
    "m9", "standard", "RateLimited", "Open", 1_767_225_601.0, 30, rate=4.8, found=True, paused_until=1_767_225_700.0
)
CLOSING = OwnQueue("a b", "standard", "Held", "Closing", 1_767_225_601.0, share=0)
THREE = {queue.merchant: queue for queue in (SLOW, LIMITED, CLOSING)}


def with_policy(**changes: Any) -> dict[str, Any]:
    return {"route": replace(ROUTE, isolation=IsolationPolicy(**changes))}


@pytest.mark.parametrize(
    ("seen", "answer", "reason", "said"),
    [
        ({"route": None}, "Unknown", "NotChecked", "Ready says why"),
        ({"own_queues": None}, "Unknown", "NotChecked", "before it came to own queues"),
        ({}, "False", "NobodyIsolated", "No merchant has"),
        (with_policy(mode="Off"), "False", "IsolationOff", "mode is Off"),
        (with_policy(mode="DryRun"), "False", "IsolationOff", "mode is DryRun"),
        ({"own_queues": THREE}, "True", "MerchantsIsolated", "a b (Held), m0 (Slow), \N{SUSHI} (Limited)"),
        (
            {"own_queues": THREE, "failing_groups": ("pos.vendor.example (tier standard)",)},
            "True",
            "MerchantsIsolated",
            "With one share together, since it fails: pos.vendor.example (tier standard)",
        ),
        ({"own_queues": THREE, **with_policy(mode="Off")}, "True", "MerchantsIsolated", "a b (Held)"),
        ({"isolation_frozen": "9 of 10 are slow"}, "False", "IsolationFrozen", "9 of 10 are slow. No merchant has"),
        (
            {"own_queues": THREE, "without_room": 7, **with_policy(max_own_queues=3)},
            "True",
            "TooManyOwnQueues",
            "7 more would have an own queue, and there is no room: raise spec.isolation.maxOwnQueues, which is 3",
        ),
        (
            with_policy(problems=("annotation x: it is no time",)),
            "False",
            "ByHandInvalid",
            "annotation x: it is no time",
        ),
        (
            with_policy(pinned=frozenset({"m0", "nope"})),
            "False",
            "MerchantsUnknown",
            "names nope, which the route does",
        ),
    ],
)
def test_the_condition_says_who_is_isolated_and_what_is_in_the_way(
    seen: dict[str, Any], answer: str, reason: str, said: str
) -> None:
    condition = isolating(a_view(**seen))
    assert (condition.type, condition.status, condition.reason) == ("Isolating", answer, reason)
    assert said in condition.message


def test_a_thousand_own_queues_are_a_short_sentence() -> None:
    many = {f"m{n:04}": replace(SLOW, merchant=f"m{n:04}") for n in range(1000)}
    assert isolating(a_view(own_queues=many)).message.endswith("m0004 (Slow) and 995 more")


def test_what_the_status_says_is_what_is_remembered() -> None:
    written = status(a_view(own_queues=THREE, own_waiting={"m0": 812}), {}, NOW)

    assert [entry["merchant"] for entry in written["ownQueues"]] == ["a b", "m0", "\N{SUSHI}"]
    assert written["ownQueues"][1] == {
        "merchant": "m0",
        "tier": "enterprise",
        "why": "Slow",
        "stage": "Open",
        "since": "2026-01-01T00:00:01Z",
        "share": 4,
        "hold": 60.0,
        "waiting": 812,
    }
    assert written["totals"]["ownQueues"] == 3
    assert remembered(written) == THREE
    (paused,) = entries([PAUSED], {})
    assert (paused["rate"], paused["pausedUntil"]) == (4.8, "2026-01-01T00:01:40Z")
    assert remembered({"ownQueues": [paused]}) == {"m9": PAUSED}


def test_what_was_found_is_no_limit_also_where_an_older_operator_wrote_it() -> None:
    (limited,) = entries([replace(PAUSED, why="Limited")], {})
    (older,) = entries([replace(PAUSED, found=False)], {})
    (limit,) = entries([replace(PAUSED, why="Limited", found=False)], {})

    found = [remembered({"ownQueues": [entry]})["m9"].found for entry in (limited, older, limit)]
    assert found == [True, True, False]


def test_a_pause_is_remembered_until_its_end_and_not_a_part_of_a_second_less() -> None:
    (paused,) = entries([replace(PAUSED, paused_until=PAUSED.paused_until + 0.1)], {})

    assert remembered({"ownQueues": [paused]})["m9"].paused_until == PAUSED.paused_until + 1


def test_own_queues_stay_in_the_status_when_a_pass_does_not_come_to_them_and_go_when_they_do() -> None:
    before = status(a_view(own_queues=THREE), {}, NOW)

    blind = status(a_view(own_queues=None), before, NOW)
    assert blind["ownQueues"] == before["ownQueues"]
    assert blind["totals"]["ownQueues"] == 3
    after = status(a_view(own_queues={}), before, NOW)
    assert "ownQueues" not in after
    assert after["totals"]["ownQueues"] == 0


def test_the_status_takes_as_many_as_its_definition() -> None:
    many = [replace(SLOW, merchant=f"m{n:04}") for n in range(1001)]
    assert len(entries(many, {})) == 1000


@pytest.mark.parametrize("fill", ["\x01", "é", "x"])
def test_the_longest_ids_are_left_out_of_a_status_that_they_would_make_too_large(fill: str) -> None:
    ordinary = [replace(SLOW, merchant=f"{n:036}", rate=12.5, burst=20) for n in range(400)]
    longest = [replace(SLOW, merchant=f"{n:03}" + fill * (252 // len(fill.encode()))) for n in range(600)]
    written = entries([*longest, *ordinary], {})

    assert len(json.dumps(written, ensure_ascii=False, separators=(",", ":")).encode()) <= MOST_BYTES
    assert {queue.merchant for queue in ordinary} < {entry["merchant"] for entry in written}
    assert written == sorted(written, key=lambda entry: entry["merchant"])


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "m0",
        {},
        {"merchant": "m0"},
        {"why": "Bored"},
        {"stage": "Ajar"},
        {"since": "then"},
        {"share": "all"},
        {"pausedUntil": "soon"},
    ],
    ids=str,
)
def test_an_entry_that_cannot_be_read_leaves_the_others(entry: Any) -> None:
    good = entries([SLOW], {})[0]
    odd = (
        {**good, "merchant": "odd", **entry}
        if isinstance(entry, dict) and len(entry) == 1 and "merchant" not in entry
        else entry
    )
    assert remembered({"ownQueues": [odd, good]}) == {"m0": SLOW}
